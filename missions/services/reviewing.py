"""Approving and rejecting work that was reported as done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.models import User
from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove, NotAllowed
from missions.events import TaskReviewed
from missions.lifecycle import TaskStatus
from missions.models import Report, Review, Task
from missions.services import moving
from missions.services.moving import Outcome
from traceability import ledger
from traceability.events import Actor

Merge = Callable[[str], None]
WORKED = Q(status__in=[TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW]) | ~Q(outputs={})
"""Reports that tell of work, not of its bookkeeping."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a reviewer says of a task, and when."""

    after: TaskStatus
    comment: str
    reviewer: Any
    actor: Actor
    now: datetime


def approve(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, merge: Merge, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Completes a task in review. A pull request in its outputs is merged first, once no policy stands against it.

    Raises ImpossibleMove, NotAllowed, Stale, what `merge` raises, BlockedByPolicy.
    """
    given = Verdict(after=TaskStatus.COMPLETED, comment=comment, reviewer=reviewer, actor=actor, now=now)
    task, outcome = _settle(task, given, expected, waits_for="pr_url")
    if outcome.moved or outcome.approval is not None:
        return task, outcome
    merge(str(task.outputs["pr_url"]))
    return _finish(task, given, outcome.decisions)


def reject(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Sends a task in review back. Raises ImpossibleMove, NotAllowed, Stale, BlockedByPolicy."""
    given = Verdict(after=TaskStatus.REJECTED, comment=comment, reviewer=reviewer, actor=actor, now=now)
    return _settle(task, given, expected)


def record_released(task: Task, after: TaskStatus, *, actor: Actor, now: datetime) -> None:
    """Keeps the review of a (locked) task whose held move an approval has released; its approver is the reviewer."""
    reviewer = User.objects.get(pk=actor.id)
    _keep(
        task, Verdict(after=after, comment="Held by a policy, then approved.", reviewer=reviewer, actor=actor, now=now)
    )


def _settle(task: Task, given: Verdict, expected: int | None, waits_for: str = "") -> tuple[Task, Outcome]:
    """Asks the policies and moves the task, unless its outputs hold something that has to be done before."""
    with ledger.writing():
        task = _in_review(task, given, expected)
        found = moving.judge(task, TaskStatus(task.status), given.after, actor=given.actor, now=given.now)
        if found.outcome not in {"block", "escalate"} and task.outputs.get(waits_for):
            return task, Outcome(moved=False, decisions=tuple(found.as_data()))
        reason = given.comment[:500]
        outcome = moving.settle(task, given.after, found, actor=given.actor, now=given.now, reason=reason)
        if outcome.moved:
            _keep(task, given)
    outcome.raise_if_blocked(task)
    return task, outcome


def _finish(task: Task, given: Verdict, decisions: tuple[dict[str, Any], ...]) -> tuple[Task, Outcome]:
    """Moves the task, when it is still as it was judged."""
    with ledger.writing():
        task = _in_review(task, given, task.version)
        reason = given.comment[:500]
        moving.move(task, given.after, actor=given.actor, now=given.now, reason=reason, decisions=decisions)
        _keep(task, given)
    return task, Outcome(moved=True, decisions=decisions)


def _in_review(task: Task, given: Verdict, expected: int | None) -> Task:
    """The task, locked, when this reviewer may review it now."""
    task = moving.locked(task)
    versions.require(task, expected)
    _refuse(task, given.reviewer)
    return task


def _keep(task: Task, given: Verdict) -> None:
    approved = given.after == TaskStatus.COMPLETED
    Review.objects.create(task=task, approved=approved, comment=given.comment, reviewer=given.reviewer, at=given.now)
    told = TaskReviewed(
        mission=task.mission.ref,
        task=task.ref,
        agent=task.agent.ref if task.agent else None,
        approved=approved,
        comment=given.comment,
    )
    ledger.record(told, actor=given.actor, at=given.now)


def _refuse(task: Task, reviewer: Any) -> None:
    if task.status != TaskStatus.PENDING_REVIEW:
        raise ImpossibleMove(f"Only a task in pending_review is reviewed; task {task.key} is {task.status}.")
    if task.agent is not None and task.agent.service_account_id == reviewer.pk:
        raise NotAllowed("An agent cannot review work that it did.")
    if not (task.mission.four_eyes or reviewer.kind == "service"):
        return
    if task.reported_by_id == reviewer.pk or Report.objects.filter(WORKED, task=task, by=reviewer).exists():
        raise NotAllowed(_why(task, reviewer))


def _why(task: Task, reviewer: Any) -> str:
    if reviewer.kind == "service":
        return "An agent cannot review work that it did."
    return f"Mission {task.mission.key} wants four eyes: somebody else must review what you reported."
