"""A mission rebuilt from its trace, as it is and as it was."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from missions import replay
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import claiming, planning, taking_part
from missions.services.reporting import Filing
from tests.factories import client_of, person
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def busy_mission() -> Mission:
    """A mission to which most things happened that can happen."""
    row, who, now = world.mission(budget_usd="10.5", owner=person()), world.agent(), timezone.now()
    taking_part.join(row, who, role="lead", actor=SYSTEM, now=now)
    taking_part.join(row, person(), role="reviewer", actor=SYSTEM, now=now)
    first = world.task(row, TaskStatus.REJECTED, budget_usd="1", outputs={"score": 0.93, "deep": {"a": [1, None]}})
    second = world.task(row, depends_on=[first], acceptance_criteria=["Grüße", "\u2028"])
    world.file(first, Filing(status=TaskStatus.IN_PROGRESS, percent=5, outputs={"score": 1e-9}))
    planning.revise_task(second, expected=None, depends_on=[], due_at=now, agent=who, actor=SYSTEM, now=now)
    claiming.claim(second, who, ttl_s=60, actor=SYSTEM, now=now)
    third = world.task(row)
    claiming.claim(third, who, ttl_s=60, actor=SYSTEM, now=now)
    claiming.expire(now=now + timedelta(seconds=61))
    return row


def test_replay_rebuilds_the_mission_as_it_is(operator: APIClient) -> None:
    row = busy_mission()
    answer = operator.post(f"/api/missions/{row.key}/replay", {}, format="json")
    assert answer.status_code == 200
    told = answer.json()
    assert told["matches_current"] is True
    assert told["differences"] == []
    assert told["entries"] == len(told["timeline"]) == Entry.objects.in_stream(f"mission:{row.pk}").count()
    assert told["state"]["status"] == "active"
    assert len(told["state"]["tasks"]) == 3


def test_replay_to_a_moment_says_what_has_changed_since(operator: APIClient) -> None:
    row = world.task()
    seen = Entry.objects.of_task(row.pk).latest("pk")
    world.file(row, Filing(status=TaskStatus.IN_PROGRESS))
    for until in (seen.pk, seen.recorded_at.isoformat()):
        told = operator.post(f"/api/missions/{row.mission.key}/replay", {"until": until}, format="json").json()
        assert told["state"]["tasks"][row.key]["status"] == "pending"
        assert told["matches_current"] is False
        paths = [each["path"] for each in told["differences"]]
        assert f"tasks.{row.key}.status" in paths


@pytest.mark.parametrize("until", [True, 1.5, [], {}, "yesterday", -1, "abc", "2026-01-01"])
def test_an_until_that_is_no_moment_is_refused(operator: APIClient, until: Any) -> None:
    row = world.mission()
    answer = operator.post(f"/api/missions/{row.key}/replay", {"until": until}, format="json")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["until"]


@pytest.mark.breaks_history
def test_a_row_that_was_changed_past_the_ledger_is_found() -> None:
    row = world.task()
    Task.objects.filter(pk=row.pk).update(percent=77)
    found = replay.replay(row.mission)
    assert found["differences"] == [{"path": f"tasks.{row.key}.percent", "replayed": 0, "current": 77}]


def test_the_trace_of_a_mission_is_read_and_verified(operator: APIClient) -> None:
    row = world.mission(MissionStatus.PAUSED)
    kinds = [each["event"] for each in operator.get(f"/api/missions/{row.key}/trace").json()["results"]]
    assert kinds[0] == "mission.created"
    assert kinds.count("mission.moved") == 2
    verdict = operator.get(f"/api/missions/{row.key}/trace/verify").json()
    assert (verdict["valid"], verdict["entries"], verdict["first_bad"]) == (True, len(kinds), None)


def test_replay_costs_the_same_for_one_task_and_for_many(django_assert_num_queries: Any) -> None:
    row = world.mission()
    for _ in range(3):
        for _ in range(4):
            world.task(row, depends_on=[world.task(row)])
        with django_assert_num_queries(14):
            replay.replay(row)


def test_reading_the_trace_needs_its_scope() -> None:
    row = world.mission()
    client = client_of(person("operator"), ["missions:read"])
    assert client.get(f"/api/missions/{row.key}/trace").status_code == 403
    assert client.get(f"/api/missions/{row.key}/trace/verify").status_code == 403
    assert client.post(f"/api/missions/{row.key}/replay", {}, format="json").status_code == 403
