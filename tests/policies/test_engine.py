"""Judging, with no database: the strictest wins, scopes and windows, audit, errors, one order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.lib.refs import Ref
from policies import drafts, engine
from policies.conditions import Registry, read
from policies.engine import Facts, Rule
from policies.subjects import Subjects
from policies.vocabulary import Mode, OnError, Outcome

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PUSH = {"action_type": "git_push", "branch": "main", "force": True, "commits": "many"}


def rule(outcome: Outcome = Outcome.BLOCK, conditions: Any = None, *, scope: Any = "global", **fields: Any) -> Rule:
    tree, types = read(conditions or {"action_type": "git_push", "force": True}, Registry())
    given = {"policy": 1, "key": "p", "revision": 1, "message": str(outcome), "scope": drafts.scope_of(scope), **fields}
    return Rule(outcome=outcome, tree=tree, types=types, **given)


def facts(action: Any = None, **subjects: Any) -> Facts:
    return Facts(
        point="agent_action",
        action=action or PUSH,
        subjects=Subjects(**subjects),
        actor_kind="agent",
        actor_name="a@example.org",
        at=NOW,
    )


def outcome(*rules: Rule, action: Any = None, **subjects: Any) -> str:
    return str(engine.judge(facts(action, **subjects), rules).outcome)


def test_nothing_that_matches_is_allowed() -> None:
    assert outcome() == "allow"
    assert outcome(rule(), action={"action_type": "git_push", "force": False}) == "allow"


def test_the_strictest_wins_whatever_the_priority() -> None:
    warn, escalate, block = (rule(Outcome(each), key=each) for each in ("warn", "escalate", "block"))
    assert outcome(warn) == "warn"
    assert outcome(warn, escalate) == "escalate"
    assert outcome(warn, block, escalate) == "block"
    assert outcome(rule(Outcome.WARN, priority=1000), rule(Outcome.BLOCK, priority=-1000)) == "block"


def test_findings_come_strictest_first_then_by_priority_then_by_key() -> None:
    rules = [
        rule(Outcome.WARN, key="z"),
        rule(Outcome.WARN, key="a"),
        rule(Outcome.WARN, key="m", priority=5),
        rule(Outcome.BLOCK, key="x"),
    ]
    for order in (rules, rules[::-1]):
        found = engine.judge(facts(), order).findings
        assert [each.rule.key for each in found] == ["x", "m", "a", "z"]
    assert engine.judge(facts(), rules) == engine.judge(facts(), rules[::-1])


def test_an_audit_policy_is_judged_and_never_binds() -> None:
    judged = engine.judge(facts(), [rule(mode=Mode.AUDIT), rule(Outcome.WARN)])
    assert judged.outcome == "warn"
    told = judged.findings[0].as_data()
    assert (told["outcome"], told["would_have"], told["mode"]) == ("allow", "block", "audit")


SUBJECTS: dict[str, Any] = {
    "mission": Ref(7, "m-7"),
    "task": Ref(8, "t-8"),
    "agent": Ref(9, "a-9"),
    "sprint": Ref(5, "s-5"),
    "agent_type": "claude_code",
    "capabilities": ("python", "git"),
}


@pytest.mark.parametrize(
    ("scope", "inside"),
    [
        ("global", True),
        ({"mission": ["m-7"]}, True),
        ({"mission": [7]}, True),
        ({"mission": ["7"]}, True),
        ({"mission": ["m-1", "m-7"]}, True),
        ({"mission": ["m-1"]}, False),
        ({"task": ["t-8"]}, True),
        ({"agent": [9]}, True),
        ({"sprint": ["s-5"]}, True),
        ({"capability": ["git", "rust"]}, True),
        ({"capability": ["rust"]}, False),
        ({"agent_type": ["claude_code"]}, True),
        ({"agent_type": ["openai"]}, False),
        ({"mission": ["m-7"], "agent": ["a-9"]}, True),
        ({"mission": ["m-7"], "agent": ["a-1"]}, False),
    ],
)
def test_a_scope_names_ids_or_keys_one_of_each_list_and_every_list(scope: Any, inside: bool) -> None:
    assert outcome(rule(scope=scope), **SUBJECTS) == ("block" if inside else "allow")


def test_a_scope_that_names_something_unknown_of_the_action_does_not_take_it_in() -> None:
    assert outcome(rule(scope={"mission": ["m-7"]})) == "allow"
    assert outcome(rule(scope={"agent_type": [""]})) == "allow"


def test_a_policy_counts_from_its_first_moment_until_before_its_last() -> None:
    second = timedelta(seconds=1)
    for begins, ends, counts in (
        (NOW, None, True),
        (NOW + second, None, False),
        (None, NOW + second, True),
        (None, NOW, False),
        (NOW - second, NOW + second, True),
    ):
        assert outcome(rule(valid_from=begins, valid_until=ends)) == ("block" if counts else "allow")


ERRING = {"action_type": "git_push", "commits": {"gt": 5}}


def test_an_error_fails_closed_with_the_policys_own_outcome_or_open_with_a_record() -> None:
    closed = engine.judge(facts(), [rule(conditions=ERRING)])
    assert closed.outcome == "block"
    assert "commits: it is not a number" in closed.findings[0].error
    opened = engine.judge(facts(), [rule(conditions=ERRING, on_error=OnError.OPEN)])
    assert opened.outcome == "allow"
    assert opened.findings[0].as_data()["error"].startswith("policy_error")


def test_an_error_counts_only_where_type_and_scope_fit() -> None:
    other = {"action_type": "git_commit", "commits": "many"}
    assert outcome(rule(conditions=ERRING), action=other) == "allow"
    assert outcome(rule(conditions=ERRING, scope={"mission": ["m-1"]})) == "allow"


def test_what_a_policy_requires_is_an_error_when_it_is_missing() -> None:
    wants = rule(require=drafts.paths_of(["custom.ticket"]))
    missing = engine.judge(facts(), [wants])
    assert missing.outcome == "block"
    assert "custom.ticket" in missing.findings[0].error
    quiet = {**PUSH, "force": False}
    assert outcome(wants, action=quiet) == "block"
    assert outcome(wants, action={**quiet, "custom": {"ticket": "T-1"}}) == "allow"


def test_a_policy_that_cannot_be_read_any_more_is_an_error_and_not_silent() -> None:
    assert outcome(rule(broken="its conditions cannot be read")) == "block"


def test_a_finding_tells_each_test_with_what_was_expected_and_what_was_there() -> None:
    told = engine.judge(facts(), [rule()]).findings[0].as_data()["matched"]
    assert told == [
        {"path": "action_type", "op": "eq", "expected": "git_push", "actual": "git_push", "holds": True},
        {"path": "force", "op": "eq", "expected": True, "actual": True, "holds": True},
    ]


def test_a_finding_never_tells_a_secret() -> None:
    conditions = {"action_type": "http_request", "headers.Authorization": {"exists": True}}
    action = {"action_type": "http_request", "headers": {"Authorization": "Bearer abc"}}
    assert "abc" not in str(engine.judge(facts(action), [rule(conditions=conditions)]).findings[0].as_data())


def test_conditions_see_the_context_and_the_state_of_the_mission() -> None:
    conditions = {
        "context.agent": "a-9",
        "context.capabilities": {"contains": "git"},
        "context.actor_kind": "agent",
        "context.at": {"after": "2026-11-24T11:59:59Z"},
        "mission.budget_used_percent": {"gte": 90},
    }
    known = {**SUBJECTS, "facts": {"mission": {"budget_used_percent": 95}}}
    assert outcome(rule(conditions=conditions), **known) == "block"
    known["facts"] = {"mission": {}}
    assert engine.judge(facts(**known), [rule(conditions=conditions)]).findings == ()


def test_a_policy_that_cannot_be_judged_says_why_and_not_its_own_message() -> None:
    conditions = {"action_type": "shell", "mission.budget_used_percent": {"gte": 90}}
    told = (
        engine.judge(
            facts({"action_type": "shell"}, facts={"mission": {"budget_used_percent": "much"}}),
            [rule(conditions=conditions, message="Over budget")],
        )
        .findings[0]
        .as_data()
    )
    assert told["outcome"] == "block"
    assert told["message"] == told["error"]
    assert "budget_used_percent" in told["message"]
