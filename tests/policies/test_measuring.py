"""Counts and costs over windows are gathered before judging, stored with the decision, and never told by the asker."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.costs import Use
from agents.models import Agent
from agents.services import metering
from agents.services.metering import Spent
from missions.models import Mission, Task
from policies import bundles
from policies.models import Decision
from policies.services.deciding import Verdict
from tests.policies.rows import agent, ask, mission, policy, task
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
CALL = {"action_type": "tool_call", "tool": "search"}


def spend(cost: str, *, by: Agent, on: Task | None = None, at: Any = None) -> None:
    use = Use(cost_usd=Decimal(cost), at=at)
    spent = Spent(use=use, agent=by, task=on.ref if on else None, mission=on.mission.ref if on else None)
    metering.meter([spent], actor=SYSTEM, now=timezone.now())


def kept(verdict: Verdict) -> Decision:
    assert verdict.decision_id is not None
    return Decision.objects.get(pk=verdict.decision_id)


def test_the_fourth_call_in_ten_minutes_is_one_too_many_and_an_hour_later_it_is_not() -> None:
    policy(conditions={"action_type": "tool_call", "rate.tool_call_10m": {"gte": 3}})
    doer, other, now = agent(), agent(), timezone.now()
    asked = [ask(CALL, now=now + timedelta(seconds=each), agent=doer.ref) for each in range(4)]
    assert [each.outcome for each in asked] == ["allow", "allow", "allow", "block"]
    assert ask(CALL, now=now, agent=other.ref).outcome == "allow"
    assert ask(CALL, now=now + timedelta(hours=1), agent=doer.ref).outcome == "allow"
    found = kept(asked[3])
    assert found.asked["facts"]["rate"] == {"tool_call_10m": 3}
    assert {"path": "rate.tool_call_10m", "op": "gte", "expected": 3, "actual": 3, "holds": True} in found.matched[0][
        "matched"
    ]


def test_counts_are_of_the_type_that_they_name_or_of_any() -> None:
    policy(conditions={"action_type": "deploy", "rate.any_1h": {"gte": 2}, "rate.tool_call_1h": {"lt": 2}})
    doer = agent()
    ask(CALL, agent=doer.ref)
    ask({"action_type": "shell", "command": "ls"}, agent=doer.ref)
    assert ask({"action_type": "deploy"}, agent=doer.ref).outcome == "block"
    ask(CALL, agent=doer.ref)
    assert ask({"action_type": "deploy"}, agent=doer.ref).outcome == "allow"


def test_costs_are_of_the_agent_the_task_and_the_mission_in_a_window_or_in_all() -> None:
    doer, whole, now = agent(), mission(), timezone.now()
    work = task(whole)
    spend("4.00", by=doer, on=work, at=now - timedelta(days=3))
    spend("2.50", by=doer, on=work, at=now - timedelta(hours=1))
    spend("1.00", by=doer)
    asked = {
        "cost.agent_24h": "3.50",
        "cost.agent_7d": "7.50",
        "cost.agent_total": "7.50",
        "cost.task_24h": "2.50",
        "cost.mission_7d": "6.50",
    }
    for name in asked:
        policy(conditions={"action_type": "spend", name: {"gte": 0}}, actions=[{"warn": name}])
    said = ask({"action_type": "spend"}, agent=doer.ref, task=work.ref, mission=Mission.objects.get(pk=whole.pk).ref)
    facts = kept(said).asked["facts"]["cost"]
    assert {f"cost.{name}": value for name, value in facts.items()} == asked
    assert len(said.decisions) == len(asked)


def test_what_nobody_can_know_is_missing_and_what_the_asker_says_of_it_counts_nothing() -> None:
    policy(conditions={"action_type": "tool_call", "rate.tool_call_10m": {"gte": 0}}, require=["rate.tool_call_10m"])
    said = ask({**CALL, "rate": {"tool_call_10m": 0}})
    assert (said.outcome, "requires it" in said.decisions[0]["message"]) == ("block", True)
    policy(conditions={"action_type": "spend", "cost.agent_24h": {"lt": 1}}, actions=[{"warn": "cheap"}])
    doer = agent()
    spend("5.00", by=doer)
    assert ask({"action_type": "spend", "cost": {"agent_24h": 0}}, agent=doer.ref).outcome == "allow"


def test_only_what_some_policy_of_the_type_names_is_read(django_assert_num_queries: Any) -> None:
    doer = agent()
    policy(conditions={"action_type": "deploy", "rate.any_1h": {"gte": 100}, "cost.agent_24h": {"gte": 100}})
    bundle = bundles.current()
    assert bundle.measures_for("deploy") == {"rate.any_1h", "cost.agent_24h"}
    assert bundle.measures_for("shell") == frozenset()
    ask(CALL, agent=doer.ref)
    with CaptureQueriesContext(connection) as plain:
        ask({"action_type": "shell"}, agent=doer.ref)
    with django_assert_num_queries(len(plain) + 2):
        ask({"action_type": "deploy"}, agent=doer.ref)
