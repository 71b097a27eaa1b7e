"""Sprints with tasks, made by the services, on days of our choosing."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.services import moving, planning
from sprints.models import Sprint
from sprints.services import opening
from tests.factories import unique
from traceability import ledger
from traceability.events import SYSTEM


def day(number: int, hour: int = 12) -> datetime:
    """A moment of June 2026."""
    return datetime(2026, 6, number, hour, tzinfo=UTC)


def sprint_of(first: int = 1, last: int = 5, **fields: Any) -> Sprint:
    """A planned sprint from one day of June to another."""
    told = {"name": unique("sprint"), "start_date": date(2026, 6, first), "end_date": date(2026, 6, last), **fields}
    return opening.create_sprint(actor=SYSTEM, now=day(1, 0), **told)


def moved(task: Task, *steps: TaskStatus, at: datetime) -> Task:
    """The task after these moves."""
    for after in steps:
        with ledger.writing():
            moving.move(moving.locked(task), after, actor=SYSTEM, now=at)
    return Task.objects.get(pk=task.pk)


def done(task: Task, at: datetime) -> Task:
    return moved(task, TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED, at=at)


@pytest.fixture
def mission(db: None) -> Mission:
    return planning.create_mission(goal="Ship it", actor=SYSTEM, now=day(1, 0))


@pytest.fixture
def task_in(mission: Mission) -> Callable[..., Task]:
    """`task_in(sprint, at)`: a pending task of the mission, made at that moment."""

    def make(sprint: Sprint | None, at: datetime) -> Task:
        return planning.create_task(mission=mission, objective="Work", sprint=sprint, actor=SYSTEM, now=at)

    return make
