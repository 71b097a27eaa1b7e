"""A briefing holds what an agent should know now, and nothing of anybody else's."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent
from missions.models import Advisory
from missions.services import claiming
from policies.services import revising
from tests import telling
from tests.agents.rows import agent, agent_with_client, mission, operator, task
from tests.factories import client_of, person, unique
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
PUSH = {"conditions": {"action_type": "git_push", "force": True}, "actions": [{"block": "Never."}]}


def policy(**fields: Any) -> Any:
    return revising.create(**{**PUSH, "scope": "global", **fields}, actor=SYSTEM, now=timezone.now())


def advise(about: Agent, **fields: Any) -> Advisory:
    return telling.advisory(
        cause=unique("silent_agent"), kind="silent_agent", severity="warning", message="Silent.", agent=about,
        opened_at=timezone.now(), **fields,
    )  # fmt: skip


def brief(client: Any, row: Agent) -> Any:
    answer = client.get(f"/api/agents/{row.key}/briefing")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_an_idle_agent_hears_what_is_ready_and_fits_the_urgent_first() -> None:
    row, client = agent_with_client(capabilities=["python", "review"])
    of, later = mission(), timezone.now() + timedelta(days=1)
    low = task(of, priority=0)
    soon = task(of, priority=2, due_at=later)
    high = task(of, priority=2)
    fits = task(of, priority=1, required_capabilities=["python"])
    task(of, required_capabilities=["python", "go"])
    task(of, depends_on=[low])
    task(mission(active=False))
    task(of, agent=agent())
    found = brief(client, row)
    assert [each["task_id"] for each in found["ready"]] == [soon.key, high.key, fits.key, low.key]
    assert (found["tasks"], found["agent"], found["status"]) == ([], row.key, "idle")


def test_its_own_and_held_tasks_are_its_tasks_until_they_end() -> None:
    row, client = agent_with_client()
    of = mission()
    mine, held, done = task(of, agent=row), task(of), task(of, agent=row)
    claiming.claim(held, row, ttl_s=60, actor=SYSTEM, now=timezone.now())
    operator().post(f"/api/tasks/{done.key}/report", {"progress": {"status": "failed"}}, format="json")
    found = brief(client, row)["tasks"]
    assert {each["task_id"] for each in found} == {mine.key, held.key}
    assert [each["lease_until"] is not None for each in found if each["task_id"] == held.key] == [True]


def test_advisories_about_it_and_its_tasks_are_told_until_they_are_resolved() -> None:
    row, client = agent_with_client()
    other, _ = agent_with_client()
    mine = advise(row)
    advise(other)
    advise(row, resolved_at=timezone.now())
    assert [each["id"] for each in brief(client, row)["advisories"]] == [mine.pk]
    answer = client.post(f"/api/agents/{row.key}/activity", {"event": "heartbeat"}, format="json")
    assert [each["id"] for each in answer.json()["advisories"]] == [mine.pk]


def test_policies_in_force_for_all_or_for_it_are_told() -> None:
    row, client = agent_with_client(capabilities=["deploy"])
    shown = [
        policy(policy_id="for-all"),
        policy(policy_id="for-it", scope={"agent": [row.key]}),
        policy(policy_id="for-deployers", scope={"capability": ["deploy"]}),
    ]
    somebody = agent().key
    policy(policy_id="for-another", scope={"agent": [somebody]})
    policy(policy_id="for-another-deployer", scope={"agent": [somebody], "capability": ["deploy"]})
    policy(policy_id="switched-off", status="disabled")
    policy(policy_id="over", valid_until=timezone.now() - timedelta(days=1))
    wanted = {each.key for each in shown}
    assert {each["policy_id"] for each in brief(client, row)["policies"]} == wanted
    path = f"/api/agents/{row.key}/activity"
    begun = client.post(path, {"event": "session_start"}, format="json").json()
    assert {each["policy_id"] for each in begun["policies"]} == wanted
    assert client.post(path, {"event": "heartbeat"}, format="json").json()["policies"] == []


def test_policies_of_its_mission_and_sprint_are_told_where_it_is_at_work() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    policy(policy_id="of-mission", scope={"mission": [work.mission_id]})
    policy(policy_id="of-another", scope={"mission": [mission().key]})
    assert [each["policy_id"] for each in brief(client, row)["policies"]] == ["of-mission"]
    path = f"/api/agents/{row.key}/activity"
    begun = client.post(path, {"event": "task_start", "context": {"task": work.key}}, format="json").json()
    assert [each["policy_id"] for each in begun["policies"]] == ["of-mission"]
    assert client.post(path, {"event": "session_start"}, format="json").json()["policies"] == []


def test_a_briefing_costs_the_same_for_one_task_and_for_many(django_assert_num_queries: Any) -> None:
    row, client = agent_with_client()
    of = mission()
    for _ in range(5):
        task(of)
        task(of, agent=row)
        advise(row)
        policy()
    brief(client, row)
    with django_assert_num_queries(7):
        assert len(brief(client, row)["ready"]) == 10


def test_who_may_read_a_briefing() -> None:
    row, _ = agent_with_client()
    assert brief(client_of(person("viewer")), row)["agent"] == row.key
    narrow = client_of(person("viewer"), ["tasks:read"])
    assert narrow.get(f"/api/agents/{row.key}/briefing").status_code == 403
    assert operator().get("/api/agents/nobody/briefing").status_code == 404
    assert operator().get(f"/api/agents/{row.key}/briefing?colour=red").status_code == 400
