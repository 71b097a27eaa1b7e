"""Whose a task is: what an agent's token may change, and what a viewer may not."""

from typing import Any

import pytest
from django.utils import timezone

from agents.models import Agent
from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.services import claiming, taking_part
from tests.factories import client_of, person, service
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
            stranger.patch(f"/api/tasks/{row.key}", {"percent": 5}, format="json"),
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
        assert client.patch(f"/api/tasks/{row.key}", {"percent": 2}, format="json").status_code == 200
        answer = client.post(f"/api/tasks/{row.key}/report", {"progress": {"status": "in_progress"}}, format="json")
        assert (answer.status_code, answer.json()["agent"]) == (200, mine.key)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("review_required", False),
        ("budget_usd", "1000"),
        ("priority", 3),
        ("acceptance_criteria", []),
        ("depends_on", []),
        ("agent", None),
        ("objective", "Less"),
    ],
)
def test_an_agent_does_not_change_what_is_asked_of_it(field: str, value: Any) -> None:
    mine = world.agent()
    row = world.task(world.mission(review_required=True, four_eyes=True), TaskStatus.IN_PROGRESS, agent=mine)
    for body in ({field: value}, {field: value, "status": "completed"}):
        answer = world.token_client(mine).patch(f"/api/tasks/{row.key}", body, format="json")
        assert answer.status_code == 403
        assert field in answer.json()["detail"]
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.status, fresh.version, fresh.needs_review) == (TaskStatus.IN_PROGRESS, row.version, True)


def test_an_agent_changes_by_patch_what_it_also_reports() -> None:
    mine = world.agent()
    row = world.task(status=TaskStatus.IN_PROGRESS, agent=mine)
    body = {"outputs": {"branch": "b"}, "percent": 80, "status": "blocked"}
    answer = world.token_client(mine).patch(f"/api/tasks/{row.key}", body, format="json")
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in body} == body


def test_an_agent_makes_tasks_only_where_it_takes_part() -> None:
    mine, owner = world.agent(), world.mission(review_required=True)
    client, address = world.token_client(mine), f"/api/missions/{owner.key}/tasks"
    assert client.post(address, {"objective": "x"}, format="json").status_code == 403
    join(owner, mine, "observer")
    assert client.post(address, {"objective": "x"}, format="json").status_code == 403
    join(owner, mine, "contributor")
    made = client.post(address, {"objective": "x", "agent": mine.key}, format="json")
    assert (made.status_code, made.json()["agent"]) == (201, mine.key)


@pytest.mark.parametrize("field", ["review_required", "budget_usd", "agent"])
def test_a_task_that_an_agent_makes_is_judged_as_the_mission_says(field: str) -> None:
    mine, other, owner = world.agent(), world.agent(), world.mission(review_required=True)
    join(owner, mine, "lead")
    value = {"review_required": False, "budget_usd": "1000", "agent": other.key}[field]
    answer = world.token_client(mine).post(
        f"/api/missions/{owner.key}/tasks", {"objective": "x", field: value}, format="json"
    )
    assert answer.status_code == 403
    assert field in answer.json()["detail"]
    assert not Task.objects.filter(mission=owner).exists()


def test_a_service_account_that_is_no_agent_plans_by_its_role() -> None:
    owner, planner = world.mission(), client_of(service("operator"))
    made = planner.post(f"/api/missions/{owner.key}/tasks", {"objective": "x", "review_required": True}, format="json")
    assert made.status_code == 201
    assert planner.patch(f"/api/tasks/{made.json()['task_id']}", {"priority": 3}, format="json").status_code == 200


def join(owner: Mission, who: Agent, role: str) -> None:
    taking_part.join(owner, who, role=role, actor=SYSTEM, now=timezone.now())
