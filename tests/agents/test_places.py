"""What a report names is found by id or key; what is not known is kept as text and said, not refused."""

from decimal import Decimal
from typing import Any

import pytest

from agents.models import Activity
from missions.models import Mission, Task
from tests.agents.rows import agent_with_client, mission, operator, task, told
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def test_a_task_is_found_by_its_key_and_by_its_id() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    for named in ({"task": work.key}, {"task_id": work.pk}, {"task_key": str(work.pk), "mission": work.mission.key}):
        answer = client.post(
            f"/api/agents/{row.key}/activity", {"event": "task_start", "context": named}, format="json"
        )
        assert (answer.json()["task"], answer.json()["mission"]) == (work.key, work.mission.key)
        assert answer.json()["warnings"] == []
    stored = Activity.objects.filter(task_id=work.pk, mission_id=work.mission_id)
    assert stored.count() == 3
    assert client.get(f"/api/agents/{row.key}").json()["current_task"] == work.key


def test_activity_moves_no_task() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    for event in ("task_start", "blocked", "task_complete"):
        client.post(f"/api/agents/{row.key}/activity", {"event": event, "context": {"task": work.key}}, format="json")
    work.refresh_from_db()
    assert (work.status, work.version) == ("pending", 1)
    assert not Entry.objects.filter(kind="task.moved", task_id=work.pk).exists()


def test_a_change_of_status_at_a_task_is_told_in_its_missions_history() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    body = {"event": "task_start", "context": {"task": work.key}}
    client.post(f"/api/agents/{row.key}/activity", body, format="json")
    (entry,) = Entry.objects.filter(kind="agent.status_changed")
    assert (entry.task_id, entry.mission_id, entry.agent_id) == (work.pk, work.mission_id, row.pk)
    assert client.post(f"/api/missions/{work.mission.key}/replay", {}, format="json").json()["matches_current"]


@pytest.mark.parametrize(
    ("event", "at_task"),
    [("task_complete", None), ("completed", None), ("stop", None), ("session_start", None), ("heartbeat", "same")],
)
def test_an_agent_leaves_its_task_with_the_events_that_end_it(event: str, at_task: str | None) -> None:
    row, client = agent_with_client()
    work, path = task(agent=row), f"/api/agents/{row.key}/activity"
    client.post(path, {"event": "task_start", "context": {"task": work.key}}, format="json")
    client.post(path, {"event": event}, format="json")
    assert client.get(f"/api/agents/{row.key}").json()["current_task"] == (work.key if at_task else None)


def test_unknown_names_are_kept_as_text_and_said() -> None:
    row, client = agent_with_client()
    body = {"event": "task_start", "context": {"task": "nobody-knows", "mission": 999999}}
    answer = client.post(f"/api/agents/{row.key}/activity", body, format="json")
    assert answer.status_code == 201
    assert (answer.json()["task"], answer.json()["mission"]) == ("nobody-knows", "999999")
    assert [text.split(";")[0] for text in answer.json()["warnings"]] == [
        "There is no task 'nobody-knows'.",
        "There is no mission '999999'.",
    ]
    stored = Activity.objects.get(pk=answer.json()["id"])
    assert (stored.task_id, stored.mission_id, stored.task_key) == (None, None, "nobody-knows")
    assert client.get(f"/api/agents/{row.key}").json()["current_task"] == "nobody-knows"


def test_another_agents_task_is_kept_as_text_and_pays_nothing() -> None:
    row, client = agent_with_client()
    other, _ = agent_with_client()
    work = task(agent=other)
    body = {"event": "heartbeat", "context": {"task": work.key}, "usage": {"cost_usd": "2.00"}}
    answer = client.post(f"/api/agents/{row.key}/activity", body, format="json").json()
    assert answer["warnings"] == [f"Task {work.key} belongs to another agent."]
    assert answer["usage"]["counted"]
    work.refresh_from_db()
    assert work.cost_usd == 0
    assert Mission.objects.get(pk=work.mission_id).cost_usd == 0
    row.refresh_from_db()
    assert row.cost_usd == 2


def test_a_task_of_another_mission_than_named_is_said() -> None:
    row, client = agent_with_client()
    work, other = task(agent=row), mission()
    body = {"event": "heartbeat", "context": {"task": work.key, "mission": other.key}}
    answer = client.post(f"/api/agents/{row.key}/activity", body, format="json").json()
    assert answer["mission"] == work.mission.key
    assert answer["warnings"] == [f"Task {work.key} is of mission {work.mission.key}, not of {other.key}."]


@pytest.mark.parametrize("odd", [True, 1.5, ["a"], {"id": 1}, "", None, "x" * 5000, "9" * 60])
def test_odd_names_break_nothing(odd: Any) -> None:
    row, client = agent_with_client()
    body = {"event": "heartbeat", "context": {"task": odd, "mission": odd, "reason": odd, "session_id": odd}}
    assert client.post(f"/api/agents/{row.key}/activity", body, format="json").status_code == 201


def test_usage_of_activities_is_charged_in_the_same_transaction() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    at = {"task": work.key}
    events = [
        {"event": "task_start", "context": at},
        {"event": "heartbeat", "context": at, "usage": {"usage_id": "u-1", "cost_usd": "0.25"}},
        {"event": "heartbeat", "context": at, "usage": {"usage_id": "u-1", "cost_usd": "0.25"}},
        {"event": "heartbeat", "usage": {"model": "claude-sonnet-5", "output_tokens": 1_000_000}},
    ]
    assert client.post(f"/api/agents/{row.key}/activity", events, format="json").status_code == 201
    row.refresh_from_db()
    assert (row.cost_usd, row.tokens) == (Decimal("10.25"), 1_000_000)
    assert str(Task.objects.get(pk=work.pk).cost_usd) == "0.250000"
    assert [entry["reports"] for entry in told("usage.recorded", row)] == [1]
    assert client.post(f"/api/missions/{work.mission.key}/replay", {}, format="json").json()["matches_current"]


def test_known_places_take_two_statements_more_whatever_their_number(django_assert_num_queries: Any) -> None:
    row, client = agent_with_client()
    of = mission()
    works = [task(of, agent=row) for _ in range(5)]
    path = f"/api/agents/{row.key}/activity"
    events = [{"event": "heartbeat", "context": {"task": work.key, "mission": of.key}} for work in works]
    client.post(path, events, format="json")
    with django_assert_num_queries(8):
        client.post(path, events, format="json")


def test_a_person_reports_for_any_agent() -> None:
    row, _ = agent_with_client()
    work = task(agent=row)
    body = {"event": "task_start", "context": {"task": work.key}}
    answer = operator().post(f"/api/agents/{row.key}/activity", body, format="json")
    assert (answer.status_code, answer.json()["warnings"]) == (201, [])
