"""Each way in which another engine was seen to fail silently, tried on ours: refused, or answered exactly."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest

from missions.lifecycle import MissionStatus, TaskStatus
from policies import drafts
from policies.conditions import Fault, Registry, attributes, read
from policies.conditions.attributes import MISSION_STATES, TASK_STATES
from tests.policies.test_conditions import NOTHING, REGISTRY, holds, mistakes, of

X = "custom.x"
PUSH = {"action_type": "git_push"}


@pytest.mark.parametrize(
    ("probe", "conditions", "action", "answer"),
    [
        ("force == true", {"force": True}, {"force": True}, True),
        ("force == true, written out", {"force": {"eq": True}}, {"force": True}, True),
        ("hour == 14", {"commits": 14}, {"commits": 14}, True),
        ("not force", {"not": {"force": True}}, {"force": True}, False),
        ("not force, missing", {"not": {"force": True}}, {}, True),
        ("startswith", {"branch": {"startswith": "rel"}}, {"branch": "release"}, True),
        ("a word in a literal", {"branch": "a or b"}, {"branch": "a or b"}, True),
        ("a missing number is not 0", {"commits": {"lt": 5}}, {}, False),
        ("two tests in one rule", {"force": True, "branch": "main"}, {"force": True, "branch": "main"}, True),
        ("missing or true", {"any": [{"branch": "x"}, {"force": True}]}, {"force": True}, True),
        ("negation of missing", {"not": {"branch": "x"}}, {}, True),
        ("text > 5", {X: {"gt": 5}}, {"custom": {"x": "6"}}, Fault),
        ("true == 1", {X: 1}, {"custom": {"x": True}}, False),
        ("1 == true", {X: True}, {"custom": {"x": 1}}, False),
        ("'1' == 1", {X: 1}, {"custom": {"x": "1"}}, False),
        ("1 == 1.0", {X: 1}, {"custom": {"x": 1.0}}, True),
        ("null == missing", {X: None}, {"custom": {}}, False),
        ("null == false", {X: False}, {"custom": {"x": None}}, False),
        ("text holds a policy's own words", {"branch": "{branch}"}, {"branch": "{branch}"}, True),
        ("case", {"branch": "Main"}, {"branch": "main"}, False),
    ],
)
def test_an_expression_that_others_get_wrong_is_answered_exactly(
    probe: str, conditions: Any, action: Any, answer: Any
) -> None:
    found = holds({**PUSH, **conditions}, {**PUSH, **action})
    assert isinstance(found, Fault) if answer is Fault else found is answer, probe


@pytest.mark.parametrize(
    "conditions",
    [
        "action_type == ",
        "action_type == 'git_push' xor force == 'no'",
        {"action_type == 'git_push'": True},
        {**PUSH, "force == true": True},
        {**PUSH, "xor": [{"force": True}]},
        {**PUSH, "force": {"==": True}},
        {**PUSH, "branch": {"eq": "x" * 17_000}},
        {**PUSH, "nosuch": {"lt": 5}},
        {**PUSH, "commits": {"gt": "5"}},
        {**PUSH, "commits": {"gt": True}},
        {**PUSH, "branch": {"matches": "(?=a)"}},
        {**PUSH, "branch": {"matches": "(a)\\1"}},
        {**PUSH, "commits": {"matches": "5"}},
    ],
)
def test_text_that_others_take_for_no_match_is_refused(conditions: Any) -> None:
    assert mistakes(conditions)


def nested(word: str, levels: int) -> Any:
    found: Any = {X: 1}
    for _ in range(levels):
        found = {word: found if word == "not" else [found]}
    return found


def test_nesting_that_crashes_others_is_refused_at_any_depth() -> None:
    for word in ("not", "any", "all"):
        for levels in (16, 1000, 5000):
            assert any("16" in text for text in mistakes(nested(word, levels)).values())


def test_a_pattern_that_others_never_finish_is_answered_at_once() -> None:
    began = perf_counter()
    assert holds({X: {"matches": "(a+)+$"}}, of("a" * 31 + "!")) is False
    assert holds({X: {"matches": "(a|aa)+$"}}, of("a" * 5000 + "!")) is False
    assert perf_counter() - began < 1


@pytest.mark.parametrize(
    ("conditions", "at"),
    [
        ({"action_type": None}, "/action_type"),
        ({"action_type": {"exists": False}}, "/action_type"),
        ({"action_type": {"empty": True}}, "/action_type"),
        ({"action_type": {"startswith": "gti_"}}, "/action_type"),
        ({"action_type": {"eq": "shell", "in": ["deploy"]}}, ""),
        ({"action_type": "shell", "all": [{"action_type": "deploy"}]}, ""),
        ({"action_type": "shell", "any": [{"action_type": "deploy"}, {"sudo": True}]}, "/any/0"),
        ({**PUSH, "commits": {"gt": 5, "lt": 5}}, "/commits"),
        ({**PUSH, "commits": {"gte": 6, "between": [1, 5]}}, "/commits"),
        ({**PUSH, "branch": {"eq": "main", "ne": "main"}}, "/branch"),
        ({**PUSH, "branch": {"in": ["a", "b"], "startswith": "c"}}, "/branch"),
        ({**PUSH, "branch": {"exists": False, "eq": "a"}}, "/branch"),
        ({**PUSH, "files": {"any": {"startswith": "a", "eq": "b"}}}, "/files/any"),
        ({**PUSH, "files": {"contains": 5}}, "/files/contains"),
        ({**PUSH, "files": {"any": {"gt": 5}}}, "/files/any/gt"),
        ({**PUSH, "files": {"size_lt": 0}}, "/files/size_lt"),
        ({**PUSH, "files.0.name": "x"}, "/files.0.name"),
        ({**PUSH, "files.1234567": "x"}, "/files.1234567"),
        ({"context.at": "yesterday"}, "/context.at"),
        ({"context.at": {"before": "2026-01-01"}}, "/context.at/before"),
        ({"path": ["context.at"], "exists": True}, ""),
        ({"context.actor_kind": "agnet"}, "/context.actor_kind"),
        ({"mission.status": "activ"}, "/mission.status"),
        ({"action_type": "task_transition", "to": "complete"}, "/to"),
        ({"action_type": "task_transition", "from": {"in": ["pending", "blockd"]}}, "/from/in"),
        ({"action_type": "mission_transition", "to": {"ne": "pending"}}, "/to/ne"),
        ({"rate.tool_cal_10m": {"gt": 1}}, "/rate.tool_cal_10m"),
        ({"rate.tool_call": {"gt": 1}}, "/rate.tool_call"),
        ({"rate.tool_call_total": {"gt": 1}}, "/rate.tool_call_total"),
        ({"rate.tool_call_99d": {"gt": 1}}, "/rate.tool_call_99d"),
        ({"cost.sprint_1h": {"gt": 1}}, "/cost.sprint_1h"),
        ({"cost": {"exists": True}}, "/cost"),
    ],
)
def test_what_could_never_hold_is_refused_at_its_place(conditions: Any, at: str) -> None:
    assert at in mistakes(conditions)


@pytest.mark.parametrize(
    ("conditions", "like"),
    [
        ({"action_type": "task_transition", "to": "complete"}, "completed"),
        ({"context.actor_kind": "agnet"}, "agent"),
        ({"rate.tool_cal_10m": {"gt": 1}}, "rate.tool_call_10m"),
        ({"cost.agnet_24h": {"gt": 1}}, "cost.agent_24h"),
        ({"action_type": "database", "enviroment": "x"}, "environment"),
    ],
)
def test_the_nearest_name_is_told(conditions: Any, like: str) -> None:
    assert f"Did you mean '{like}'?" in " ".join(mistakes(conditions).values())


@pytest.mark.parametrize(
    "conditions",
    [
        {"action_type": {"startswith": "custom.rev"}},
        {"action_type": {"startswith": "cus"}},
        {"action_type": {"startswith": "git_"}},
        {"action_type": "custom.review", "anything": {"gt": 5}},
        {"action_type": "drone_flight", "altitude_m": {"gt": 100, "lte": 200}},
        {"rate.any_1h": {"gt": 100}},
        {"rate.custom.review_1h": {"gt": 100}},
        {"rate.drone_flight_1h": {"gt": 100}},
        {"cost.mission_total": {"gte": "100"}},
        {**PUSH, "commits": {"gte": 5, "lte": 5}},
        {**PUSH, "files.0": {"endswith": ".sql"}},
        {**PUSH, "branch": {"exists": False, "ne": "main"}},
    ],
)
def test_what_may_hold_is_taken(conditions: Any) -> None:
    read(conditions, REGISTRY)


def test_times_are_equal_as_moments_and_amounts_as_amounts() -> None:
    given = {"context.at": {"in": ["2026-01-01T00:00:00Z"]}}
    assert holds(given, {"context": {"at": "2026-01-01T01:00:00.000000+01:00"}}) is True
    assert holds({"cost.agent_24h": "1.5"}, {"cost": {"agent_24h": "1.50"}}) is True


def test_paths_that_a_policy_requires_are_declared_names_too() -> None:
    content = {
        "conditions": {"action_type": "git_push"}, "actions": [{"warn": "x"}], "scope": "global", "priority": 0,
        "valid_from": None, "valid_until": None,
    }  # fmt: skip
    for path in ("branch", "custom.ticket", ["custom", "a.b"], "rate.git_push_1h", "context.agent"):
        assert "require" not in drafts.mistakes_of({**content, "require": [path]}, Registry())
    for path in ("brnch", "environment", ["context.agent"], "rate.git_pull_1h"):
        told = drafts.mistakes_of({**content, "require": [path]}, Registry())["require"]
        assert told[0].startswith("/0: There is no attribute")


def test_the_words_of_states_are_those_of_the_lifecycle() -> None:
    assert set(MissionStatus.values) == MISSION_STATES
    assert set(TaskStatus.values) == TASK_STATES


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ([], "an object"),
        ({"Drone": {}}, "no name of an action type"),
        ({"shell": {"x": "text"}}, "a type already"),
        ({"custom.x": {"x": "text"}}, "a type already"),
        ({"drone": "x"}, "name its attributes"),
        ({"drone": {"altitude": "numbr"}}, "one of the kinds"),
        ({"drone": {"context.x": "text"}}, "no common name"),
    ],
)
def test_own_action_types_that_no_policy_could_use_are_told_by_the_check(own: Any, told: str) -> None:
    assert told in " ".join(attributes.faults_of(own))
    assert attributes.faults_of({"drone_flight": {"altitude_m": "number", "crew": "texts"}}) == []


def test_nothing_is_judged_by_the_clock_of_the_machine() -> None:
    conditions = {"context.at": {"after": datetime(2020, 1, 1, tzinfo=UTC).isoformat()}}
    assert holds(conditions, NOTHING) is False
