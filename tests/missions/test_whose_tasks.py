"""Whose a task is: what an agent's token may change, and what a viewer may not."""

import pytest
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Task
from missions.services import claiming
from tests.factories import client_of, person
from tests.missions import world
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def test_a_viewer_reads_and_changes_nothing() -> None:
    viewer, row = client_of(person("viewer")), world.task()
    assert viewer.get(f"/api/tasks/{row.key}").status_code == 200
    assert viewer.get("/api/tasks").status_code == 200
    made = viewer.post(f"/api/missions/{row.mission.key}/tasks", {"objective": "x"}, format="json")
    assert made.status_code == 403
    assert viewer.patch(f"/api/tasks/{row.key}", {"objective": "x"}, format="json").status_code == 403
    for verb in ("report", "approve", "reject", "claim", "renew", "release", "execute"):
        assert viewer.post(f"/api/tasks/{row.key}/{verb}", {}, format="json").status_code == 403


def test_another_agents_token_changes_nothing_of_a_task() -> None:
    mine, stranger = world.agent(), world.token_client(world.agent())
    for row in (world.task(agent=mine), world.task()):
        if row.agent is None:
            claiming.claim(row, mine, ttl_s=60, actor=SYSTEM, now=timezone.now())
        calls = [
            stranger.patch(f"/api/tasks/{row.key}", {"objective": "Stolen"}, format="json"),
            stranger.patch(f"/api/tasks/{row.key}", {"status": "in_progress"}, format="json"),
            stranger.post(f"/api/tasks/{row.key}/report", {"progress": {"percent": 5}}, format="json"),
            stranger.post(f"/api/tasks/{row.key}/claim", {"agent": mine.key}, format="json"),
            stranger.post(f"/api/tasks/{row.key}/execute", {}, format="json"),
        ]
        assert [answer.status_code for answer in calls] == [403] * 5
        fresh = Task.objects.get(pk=row.pk)
        assert (fresh.objective, fresh.status, fresh.percent) == (row.objective, TaskStatus.PENDING, 0)


def test_an_agent_works_on_its_own_and_on_free_tasks() -> None:
    mine = world.agent()
    client = world.token_client(mine)
    for row in (world.task(agent=mine), world.task()):
        assert client.patch(f"/api/tasks/{row.key}", {"priority": 2}, format="json").status_code == 200
        answer = client.post(f"/api/tasks/{row.key}/report", {"progress": {"status": "in_progress"}}, format="json")
        assert (answer.status_code, answer.json()["agent"]) == (200, mine.key)
