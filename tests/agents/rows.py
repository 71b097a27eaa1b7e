"""Agents, missions and tasks for these tests, made by the services; plain functions with defaults."""

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from agents.services import registering
from missions.lifecycle import MissionStatus
from missions.models import Mission, Task
from missions.services import planning, steering
from tests.factories import client_of, person, service, unique
from traceability.events import SYSTEM
from traceability.models import Entry


def agent(**fields: Any) -> Agent:
    fields.setdefault("agent_id", unique("agent"))
    return registering.create_agent(**fields, actor=SYSTEM, now=timezone.now())


def agent_with_client(**fields: Any) -> tuple[Agent, APIClient]:
    """An agent with a service account of its own, and a client with a token of it."""
    account: User = service()
    return agent(**fields, service_account=account), client_of(account)


def operator() -> APIClient:
    return client_of(person("operator"))


def mission(*, active: bool = True, **fields: Any) -> Mission:
    fields.setdefault("mission_id", unique("mission"))
    fields.setdefault("goal", "Ship the checkout")
    made = planning.create_mission(**fields, actor=SYSTEM, now=timezone.now())
    if active:
        steering.move_mission(made, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    return Mission.objects.get(pk=made.pk)


def task(of: Mission | None = None, **fields: Any) -> Task:
    fields.setdefault("task_id", unique("task"))
    fields.setdefault("objective", "Write the parser")
    return planning.create_task(mission=of or mission(), **fields, actor=SYSTEM, now=timezone.now())


def told(kind: str, about: Agent) -> list[Any]:
    """The data of each entry of this kind about the agent, oldest first."""
    return [entry.data for entry in Entry.objects.filter(kind=kind, agent_id=about.pk).order_by("pk")]
