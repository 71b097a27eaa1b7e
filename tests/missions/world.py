"""Missions, tasks and agents for these tests, made and moved by the services themselves."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from agents.services import registering
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, MissionHost, Task
from missions.services import planning, reporting, reviewing, steering
from missions.services.hosting import Owner
from missions.services.reporting import Caller, Filing
from policies.models import Policy
from policies.services import revising
from tests.factories import client_of, person, service, unique
from traceability import ledger
from traceability.events import SYSTEM

PATHS: dict[TaskStatus, tuple[TaskStatus, ...]] = {
    TaskStatus.PENDING: (),
    TaskStatus.IN_PROGRESS: (TaskStatus.IN_PROGRESS,),
    TaskStatus.BLOCKED: (TaskStatus.BLOCKED,),
    TaskStatus.PENDING_REVIEW: (TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW),
    TaskStatus.REJECTED: (TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW, TaskStatus.REJECTED),
    TaskStatus.FAILED: (TaskStatus.FAILED,),
    TaskStatus.COMPLETED: (TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED),
}
"""How a new task gets to each state."""

MISSION_PATHS: dict[MissionStatus, tuple[MissionStatus, ...]] = {
    MissionStatus.PLANNING: (),
    MissionStatus.ACTIVE: (MissionStatus.ACTIVE,),
    MissionStatus.PAUSED: (MissionStatus.ACTIVE, MissionStatus.PAUSED),
    MissionStatus.COMPLETED: (MissionStatus.ACTIVE, MissionStatus.COMPLETED),
    MissionStatus.CANCELLED: (MissionStatus.CANCELLED,),
}


def mission(status: MissionStatus = MissionStatus.ACTIVE, **fields: Any) -> Mission:
    """A mission in this state; active when nothing is said."""
    fields.setdefault("mission_id", unique("m"))
    made = planning.create_mission(**{"goal": "Ship the release", **fields}, actor=SYSTEM, now=timezone.now())
    for after in MISSION_PATHS[status]:
        steering.move_mission(made, after, expected=None, actor=SYSTEM, now=timezone.now())
    return Mission.objects.get(pk=made.pk)


def task(owner: Mission | None = None, status: TaskStatus = TaskStatus.PENDING, **fields: Any) -> Task:
    """A task in this state, of an active mission unless one is given."""
    fields.setdefault("task_id", unique("t"))
    made = planning.create_task(
        mission=owner or mission(), **{"objective": "Write the tests", **fields}, actor=SYSTEM, now=timezone.now()
    )
    lead(made, *PATHS[status])
    return Task.objects.get(pk=made.pk)


def owner(machine: str = "here") -> Owner:
    """A living host of mission processes, as a row alone."""
    now = timezone.now()
    host = MissionHost.objects.create(
        machine=machine, pid=1, version="test", started_at=now, beat_at=now, lease_until=now + timedelta(minutes=1)
    )
    return Owner(host.pk, machine)


def many_tasks(owner: Mission, count: int) -> None:
    """So many pending tasks, made in one transaction."""
    with ledger.writing():
        for _ in range(count):
            planning.create_task(
                mission=owner, objective="One of many", task_id=unique("t"), actor=SYSTEM, now=timezone.now()
            )


def lead(row: Task, *path: TaskStatus) -> None:
    """Moves a task along these states, by reports and reviews of somebody who is not in the test."""
    for after in path:
        if after == TaskStatus.REJECTED:
            reviewing.reject(row, comment="", reviewer=person(), expected=None, actor=SYSTEM, now=timezone.now())
        else:
            file(row, Filing(status=after))


def file(row: Task, filing: Filing, user: User | None = None) -> None:
    """A report of a person for themselves."""
    caller = Caller(user=user or person(), agent=None, is_agent=False)
    reporting.file_report(row, filing, caller=caller, expected=None, actor=SYSTEM, now=timezone.now())


def agent(**fields: Any) -> Agent:
    """An agent with a service account of its own."""
    fields = {"agent_id": unique("a"), "service_account": service(), **fields}
    return registering.create_agent(**fields, actor=SYSTEM, now=timezone.now())


def token_client(owner: Agent) -> APIClient:
    """A client with the token of this agent's account."""
    assert owner.service_account is not None
    return client_of(owner.service_account)


def policy(conditions: dict[str, Any], actions: list[dict[str, str]], **fields: Any) -> Policy:
    """A policy in force."""
    given = {"policy_id": unique("p"), "conditions": conditions, "actions": actions, **fields}
    return revising.create(**given, actor=SYSTEM, now=timezone.now())


def etag(version: int) -> dict[str, str]:
    """The header that demands this version."""
    return {"If-Match": f'"{version}"'}


def submit(client: Client, address: str, **changes: Any) -> Any:
    """Sends a form of the admin as a browser would, with these fields changed; it must be taken."""
    answer = send(client, address, **changes)
    assert answer.status_code == 302, answer.context["errors"]
    return answer


def send(client: Client, address: str, **changes: Any) -> Any:
    """Sends a form of the admin as a browser would, with these fields changed."""
    context = client.get(address).context
    forms = [context["adminform"].form, *(each.formset.management_form for each in context["inline_admin_formsets"])]
    sent = {field.html_name: field.value() for form in forms for field in form}
    return client.post(address, {name: value for name, value in {**sent, **changes}.items() if value is not None})
