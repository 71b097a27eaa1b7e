"""Missions that ended, and the command that archives them, as these tests use both."""

from io import StringIO
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission
from missions.services import steering
from tests.missions import world
from traceability.events import SYSTEM


def ended() -> Mission:
    """A completed mission with a history of two tasks."""
    made = world.mission()
    world.task(made, TaskStatus.COMPLETED, task_id=f"{made.key}-first")
    world.task(made, TaskStatus.REJECTED, task_id=f"{made.key}-second")
    steering.move_mission(made, MissionStatus.COMPLETED, expected=None, actor=SYSTEM, now=timezone.now())
    return Mission.objects.get(pk=made.pk)


def archive(**options: Any) -> str:
    """What the command prints."""
    said = StringIO()
    call_command("trace_archive", stdout=said, stderr=said, **options)
    return said.getvalue()


def stream(mission: Mission) -> str:
    return f"mission:{mission.pk}"
