"""A name that got into everything, for the tests of erasing."""

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from missions.lifecycle import MissionStatus
from missions.models import Task
from missions.services import executing, reviewing
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability.events import SYSTEM
from traceability.services.erasing import Order

NAME = 'Zoë Quirke, 7 "Hill" Road'
SAID = f"Ask {NAME}, she knows."


def order(reason: str = "A name stood in it.") -> Order:
    return Order(reason=reason, actor=SYSTEM, now=timezone.now())


def spread() -> Task:
    """A task of an agent, with the name in every place to which reports, reviews and questions carry it."""
    told: dict[str, Any] = {"actor": SYSTEM, "now": timezone.now()}
    world.policy({"action_type": "task_transition", "to": "completed"}, [{"warn": "Look twice."}])
    worker = world.agent(adapter_module="claude_code")
    client = world.token_client(worker)
    need = world.task(agent=worker, acceptance_criteria=[SAID], description=SAID)
    say(client, need, {"status": "in_progress", "outputs": {"contact": SAID, "branch": "work/1"}})
    say(client, need, {"logs": [{"message": SAID}], "outputs": {"notes": [{"by": NAME}]}}, key=unique("key"))
    say(client, need, {"status": "pending_review"})
    reviewing.reject(need, comment=SAID, reviewer=person(), expected=None, **told)
    say(client, need, {"status": "in_progress"})
    say(client, need, {"status": "completed", "logs": [{"message": SAID}]})
    after = world.task(need.mission, agent=worker, depends_on=[need], objective="Write to her")
    executing.request_execution(after, **told)
    question = {"action": {"action_type": "deploy", "target": SAID}, "agent": worker.key, "mission": need.mission.key}
    assert client.post("/api/policies/evaluate", question, format="json").status_code == 200
    event = {"event": "blocked", "context": {"reason": SAID, "task_id": after.key}}
    assert client.post(f"/api/agents/{worker.key}/activity", event, format="json").status_code < 300
    return Task.objects.get(pk=need.pk)


def held_by_a_policy() -> None:
    """An approval that waits."""
    world.policy({"action_type": "mission_transition"}, [{"escalate": "Somebody looks."}])
    row = world.mission(MissionStatus.PLANNING)
    client = client_of(person("operator"))
    assert client.post(f"/api/missions/{row.key}/start", {}, format="json").status_code == 202


def say(client: APIClient, row: Task, progress: dict[str, Any], key: str | None = None) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"progress": progress}
    answer = client.post(f"/api/tasks/{row.key}/report", body, format="json", headers=headers)
    assert answer.status_code == 200, answer.json()
