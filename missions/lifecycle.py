"""The lifecycle of missions and tasks: one table each. The database's guard is made from the same tables.

Pure: no database, no clock, no settings.
"""

from collections.abc import Mapping
from typing import TypeVar

from django.db import models


class MissionStatus(models.TextChoices):
    PLANNING = "planning"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class TaskStatus(models.TextChoices):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    PENDING_REVIEW = "pending_review"
    REJECTED = "rejected"
    FAILED = "failed"
    COMPLETED = "completed"


MISSION_MOVES: dict[MissionStatus, tuple[MissionStatus, ...]] = {
    MissionStatus.PLANNING: (MissionStatus.ACTIVE, MissionStatus.CANCELLED),
    MissionStatus.ACTIVE: (MissionStatus.PAUSED, MissionStatus.COMPLETED, MissionStatus.CANCELLED),
    MissionStatus.PAUSED: (MissionStatus.ACTIVE, MissionStatus.COMPLETED, MissionStatus.CANCELLED),
    MissionStatus.COMPLETED: (),
    MissionStatus.CANCELLED: (),
}

TASK_MOVES: dict[TaskStatus, tuple[TaskStatus, ...]] = {
    TaskStatus.PENDING: (TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED, TaskStatus.FAILED),
    TaskStatus.IN_PROGRESS: (
        TaskStatus.BLOCKED,
        TaskStatus.PENDING_REVIEW,
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
        TaskStatus.PENDING,
    ),
    TaskStatus.BLOCKED: (TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.FAILED),
    TaskStatus.PENDING_REVIEW: (TaskStatus.COMPLETED, TaskStatus.REJECTED),
    TaskStatus.REJECTED: (TaskStatus.IN_PROGRESS, TaskStatus.PENDING, TaskStatus.FAILED),
    TaskStatus.FAILED: (TaskStatus.PENDING,),
    TaskStatus.COMPLETED: (),
}

BY_REVIEW_ONLY = {
    (TaskStatus.PENDING_REVIEW, TaskStatus.COMPLETED),
    (TaskStatus.PENDING_REVIEW, TaskStatus.REJECTED),
}
"""Moves that only `approve` and `reject` make."""

MISSION_ENDED = {MissionStatus.COMPLETED, MissionStatus.CANCELLED}

HELD = {TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED}
"""States in which a claim lives on; every other move ends it."""

BEGUN = {*HELD, TaskStatus.PENDING_REVIEW, TaskStatus.REJECTED}
"""States of work that has begun and has not ended."""

Status = TypeVar("Status", MissionStatus, TaskStatus)


def is_open(moves: Mapping[Status, tuple[Status, ...]], before: Status, after: Status) -> bool:
    return after in moves[before]


def reported_moves(before: TaskStatus, *, review_required: bool) -> tuple[TaskStatus, ...]:
    """What a report may move a task to: the table less what reviews alone may do, and less an unreviewed end."""
    return tuple(
        after
        for after in TASK_MOVES[before]
        if (before, after) not in BY_REVIEW_ONLY and not (after == TaskStatus.COMPLETED and review_required)
    )


def refusal_of(before: TaskStatus, after: TaskStatus, *, review_required: bool) -> str:
    """Why a report cannot make this move, and which moves are open."""
    if before == TaskStatus.IN_PROGRESS and after == TaskStatus.COMPLETED and review_required:
        return "Review is required: report pending_review instead of completed."
    if (before, after) in BY_REVIEW_ONLY:
        return f"Only a review moves a task from {before} to {after}: use approve or reject."
    moves = open_text(reported_moves(before, review_required=review_required))
    return f"A task that is {before} cannot become {after}. {moves}"


def open_text(moves: tuple[str, ...]) -> str:
    return f"Open moves: {', '.join(moves)}." if moves else "No move is open: this state ends it."


def pairs(moves: Mapping[Status, tuple[Status, ...]]) -> list[tuple[str, str]]:
    """The table as (before, after) pairs, as the database's guard keeps it."""
    return [(str(before), str(after)) for before, afters in moves.items() for after in afters]
