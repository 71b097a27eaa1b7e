"""How an agent is: by what it says, by when it was heard, and never by what history does not need."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents import jobs
from agents.health import ActivityEvent, AgentStatus, is_silent, status_after
from agents.models import Activity, Agent
from agents.services import presence
from tests.agents.rows import agent, agent_with_client, operator, told
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
E = ActivityEvent


def say(row: Agent, client: Any, event: str, **more: Any) -> Any:
    answer = client.post(f"/api/agents/{row.key}/activity", {"event": event, **more}, format="json")
    row.refresh_from_db()
    return answer


@pytest.mark.parametrize(
    ("event", "after"),
    [
        ("session_start", "idle"),
        ("task_start", "working"),
        ("task_complete", "idle"),
        ("blocked", "blocked"),
        ("completed", "idle"),
        ("error", "error"),
        ("stop", "offline"),
        ("waiting_for_input", "waiting"),
    ],
)
@pytest.mark.parametrize("before", AgentStatus.values)
def test_each_event_leaves_the_agent_where_the_table_says(before: str, event: str, after: str) -> None:
    assert status_after(AgentStatus(before), ActivityEvent(event)) == after


@pytest.mark.parametrize("before", AgentStatus.values)
def test_a_heartbeat_keeps_the_status_and_brings_an_offline_agent_back(before: str) -> None:
    assert status_after(AgentStatus(before), E.HEARTBEAT) == ("idle" if before == "offline" else before)


def test_an_event_is_stored_and_moves_the_agent() -> None:
    row, client = agent_with_client()
    answer = say(row, client, "blocked", context={"reason": "No access", "session_id": "s-1", "tool": {"name": "git"}})
    assert answer.status_code == 201
    found = answer.json()
    assert (found["event"], found["agent"], found["agent_status"], found["count"]) == ("blocked", row.key, "blocked", 1)
    stored = Activity.objects.get(pk=found["id"])
    assert (stored.session, stored.context["tool"]) == ("s-1", {"name": "git"})
    assert (row.status, row.status_reason) == ("blocked", "No access")
    assert row.last_seen_at == stored.received_at
    assert told("agent.status_changed", row) == [
        {"before": "idle", "after": "blocked", "because": "blocked", "reason": "No access"}
    ]


def test_heartbeats_and_repeats_are_no_history() -> None:
    row, client = agent_with_client()
    say(row, client, "task_start")
    before = Entry.objects.count()
    for event in ("heartbeat", "task_start", "heartbeat"):
        say(row, client, event)
    assert Entry.objects.count() == before
    assert row.activities.count() == 4
    assert row.version == 1


def test_the_context_may_be_left_out_null_or_wrapped() -> None:
    row, client = agent_with_client()
    assert say(row, client, "heartbeat", context=None, usage=None).status_code == 201
    path = f"/api/agents/{row.pk}/activity"
    wrapped = client.post(path, {"activity": {"event": "stop"}}, format="json")
    assert (wrapped.status_code, wrapped.json()["agent_status"]) == (201, "offline")


def test_a_time_in_the_past_is_kept_one_a_little_ahead_is_now_and_one_in_the_future_is_refused() -> None:
    row, client = agent_with_client()
    past = say(row, client, "heartbeat", timestamp="2026-01-01T00:00:00Z").json()
    assert past["at"] == "2026-01-01T00:00:00Z"
    ahead = (timezone.now() + timedelta(minutes=4)).isoformat()
    soon = say(row, client, "heartbeat", timestamp=ahead).json()
    assert soon["at"] == soon["received_at"]
    body = {"event": "heartbeat", "timestamp": (timezone.now() + timedelta(minutes=6)).isoformat()}
    refused = client.post(f"/api/agents/{row.key}/activity", body, format="json")
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["timestamp"])
    assert row.activities.count() == 2


def test_a_batch_is_stored_in_its_order_and_history_has_each_change() -> None:
    row, client = agent_with_client()
    events = ["session_start", "task_start", "heartbeat", "waiting_for_input", "heartbeat", "task_start", "stop"]
    answer = client.post(f"/api/agents/{row.key}/activity", [{"event": name} for name in events], format="json")
    assert answer.status_code == 201
    assert (answer.json()["count"], answer.json()["agent_status"]) == (7, "offline")
    assert list(row.activities.order_by("pk").values_list("event", flat=True)) == events
    changes = [(each["before"], each["after"]) for each in told("agent.status_changed", row)]
    assert changes == [("idle", "working"), ("working", "waiting"), ("waiting", "working"), ("working", "offline")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event": "coffee_break"}, "2.event"),
        ({}, "2.event"),
        ({"event": "stop", "context": "text"}, "2.context"),
        ({"event": "stop", "colour": "red"}, "2.colour"),
        ({"event": "stop", "usage": {"input_tokens": -1}}, "2.usage.input_tokens"),
        ({"event": "stop", "usage": {}}, "2.usage.usage"),
        ({"event": "stop", "timestamp": "yesterday"}, "2.timestamp"),
        ("stop", "2"),
    ],
)
def test_one_wrong_event_stores_nothing_of_the_list(wrong: Any, field: str) -> None:
    row, client = agent_with_client()
    events = [{"event": "task_start"}, {"event": "heartbeat"}, wrong]
    answer = client.post(f"/api/agents/{row.key}/activity", events, format="json")
    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.json()
    row.refresh_from_db()
    assert not Activity.objects.exists()
    assert (row.status, row.last_seen_at) == ("idle", None)


def test_an_unknown_event_is_told_which_there_are() -> None:
    row, client = agent_with_client()
    answer = say(row, client, "coffee_break")
    assert answer.status_code == 422
    assert "heartbeat" in answer.json()["errors"]["event"][0]


def test_up_to_500_events_come_at_once() -> None:
    row, client = agent_with_client()
    path = f"/api/agents/{row.key}/activity"
    assert client.post(path, [{"event": "heartbeat"}] * 500, format="json").json()["count"] == 500
    assert client.post(path, [{"event": "heartbeat"}] * 501, format="json").status_code == 422
    assert client.post(path, [], format="json").status_code == 422
    assert client.post(path, "heartbeat", format="json").status_code == 422
    assert row.activities.count() == 500


def test_one_event_takes_few_statements(django_assert_num_queries: Any) -> None:
    """Token, agent locked, agent touched with the event stored, advisories; and the savepoint pair of the test."""
    row, client = agent_with_client()
    say(row, client, "task_start")
    path = f"/api/agents/{row.key}/activity"
    with django_assert_num_queries(6):
        client.post(path, {"event": "heartbeat"}, format="json")
    with django_assert_num_queries(6):
        client.post(path, [{"event": "heartbeat"}] * 50, format="json")


def test_the_feed_is_newest_first_and_narrowed() -> None:
    row, client = agent_with_client()
    for event in ("session_start", "task_start", "heartbeat"):
        say(row, client, event, context={"session_id": event})
    say(agent(), operator(), "stop")
    path = f"/api/agents/{row.key}/activity"

    def events(query: str = "") -> list[str]:
        return [each["event"] for each in client.get(f"{path}{query}").json()["results"]]

    assert events() == ["heartbeat", "task_start", "session_start"]
    assert events("?event=task_start,heartbeat") == ["heartbeat", "task_start"]
    assert events("?session=session_start") == ["session_start"]
    first = client.get(f"{path}?page_size=2").json()
    assert [each["event"] for each in client.get(first["next"]).json()["results"]] == ["session_start"]
    assert client.get(f"{path}?colour=red").status_code == 400
    assert client.get("/api/agents/nobody/activity").status_code == 404


@pytest.mark.parametrize(
    ("status", "after"),
    [
        ("idle", "offline"),
        ("working", "offline"),
        ("waiting", "waiting"),
        ("blocked", "blocked"),
        ("error", "error"),
        ("offline", "offline"),
    ],
)
def test_a_silent_agent_is_taken_for_offline_unless_it_said_why_it_is_silent(status: str, after: str) -> None:
    row, now = agent(status=status), timezone.now()
    Agent.objects.filter(pk=row.pk).update(last_seen_at=now - timedelta(seconds=301))
    presence.mark_silent(now=now, after_s=300)
    row.refresh_from_db()
    assert row.status == after
    assert len(told("agent.status_changed", row)) == (status != after)


def test_going_silent_and_coming_back_are_history_once_each() -> None:
    row, client = agent_with_client()
    say(row, client, "task_start")
    later = timezone.now() + timedelta(seconds=400)
    assert [presence.mark_silent(now=later, after_s=300) for _ in range(3)] == [1, 0, 0]
    row.refresh_from_db()
    assert row.status_reason.startswith("Nothing was heard since")
    say(row, client, "heartbeat")
    say(row, client, "heartbeat")
    assert row.status == "idle"
    changes = [(each["after"], each["because"]) for each in told("agent.status_changed", row)]
    assert changes == [("working", "task_start"), ("offline", "silence"), ("idle", "heartbeat")]


def test_the_job_takes_silent_agents_for_offline_by_the_setting(settings: Any) -> None:
    row, now = agent(), timezone.now()
    Agent.objects.filter(pk=row.pk).update(last_seen_at=now - timedelta(seconds=90))
    assert jobs.mark_silent() == 0
    settings.AGENT_SILENT_AFTER_S = 60
    assert jobs.mark_silent() == 1
    row.refresh_from_db()
    assert row.status == "offline"


def test_an_agent_that_was_never_heard_or_just_now_is_not_silent() -> None:
    now = timezone.now()
    never = agent()
    recent = agent()
    Agent.objects.filter(pk=recent.pk).update(last_seen_at=now - timedelta(seconds=299))
    assert presence.mark_silent(now=now, after_s=300) == 0
    assert not is_silent(never.last_seen_at, now, after_s=300)
    assert is_silent(now - timedelta(seconds=301), now, after_s=300)
    assert not Entry.objects.filter(kind="agent.status_changed").exclude(actor_name=SYSTEM.name).exists()
