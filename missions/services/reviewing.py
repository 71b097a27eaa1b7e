"""Approving and rejecting work that was reported as done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove, NotAllowed
from missions.events import TaskReviewed
from missions.lifecycle import TaskStatus
from missions.models import Review, Task
from missions.services import moving
from missions.services.moving import Outcome
from traceability import ledger
from traceability.events import Actor

Merge = Callable[[str], None]


def approve(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, merge: Merge, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Completes a task in review. `merge` is called with the task's pull request, if it has one, before anything moves.

    Raises ImpossibleMove, NotAllowed, Stale, what `merge` raises, BlockedByPolicy.
    """
    _refuse(task, reviewer)
    versions.require(task, expected)
    if address := task.outputs.get("pr_url"):
        merge(str(address))
    return _review(task, TaskStatus.COMPLETED, comment, reviewer, expected, actor, now)


def reject(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Sends a task in review back. Raises ImpossibleMove, NotAllowed, Stale, BlockedByPolicy."""
    return _review(task, TaskStatus.REJECTED, comment, reviewer, expected, actor, now)


def _review(
    task: Task, after: TaskStatus, comment: str, reviewer: Any, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    with ledger.writing():
        task = moving.locked(task)
        versions.require(task, expected)
        _refuse(task, reviewer)
        verdict = moving.judge(task, TaskStatus(task.status), after, actor=actor, now=now)
        outcome = moving.settle(task, after, verdict, actor=actor, now=now, reason=comment[:500])
        if outcome.moved:
            _keep(task, after == TaskStatus.COMPLETED, comment, reviewer, actor, now)
    outcome.raise_if_blocked(task)
    return task, outcome


def _keep(task: Task, approved: bool, comment: str, reviewer: Any, actor: Actor, now: datetime) -> None:
    Review.objects.create(task=task, approved=approved, comment=comment, reviewer=reviewer, at=now)
    told = TaskReviewed(
        mission=task.mission.ref, task=task.ref, agent=task.agent and task.agent.ref, approved=approved, comment=comment
    )
    ledger.record(told, actor=actor, at=now)


def _refuse(task: Task, reviewer: Any) -> None:
    if task.status != TaskStatus.PENDING_REVIEW:
        raise ImpossibleMove(f"Only a task in pending_review is reviewed; task {task.key} is {task.status}.")
    if task.agent is not None and task.agent.service_account_id == reviewer.pk:
        raise NotAllowed("An agent cannot review work that it did.")
    if reviewer.kind == "service" and task.reported_by_id == reviewer.pk:
        raise NotAllowed("An agent cannot review work that it reported.")
    if task.mission.four_eyes and task.reported_by_id == reviewer.pk:
        raise NotAllowed(f"Mission {task.mission.key} wants four eyes: somebody else must review what you reported.")
