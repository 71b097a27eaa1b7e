"""Approving and rejecting work that was reported as done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove, NotAllowed
from missions import archiving
from missions.events import TaskCreated, TaskReviewed, TaskRevised
from missions.lifecycle import TaskStatus
from missions.models import Report, Review, Task
from missions.services import moving
from missions.services.verdicts import Outcome
from policies.models import Approval
from traceability import ledger
from traceability.events import Actor

Merge = Callable[[str, str], None]
"""Merges the pull request at an address, only at this head commit; any head when the commit is not known ("")."""

WORKED = Q(status__in=[TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW]) | ~Q(outputs={})
"""Reports that tell of work, not of its bookkeeping."""


class Unmerged(Exception):
    """Nothing stands against the approval of this task, but its pull request has to be merged before."""

    def __init__(self, task: Task) -> None:
        self.task, self.address = task, str(task.outputs["pr_url"])
        self.sha = str(task.outputs.get("pr_sha") or "")
        super().__init__(self.address)


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a reviewer says of a task, and when. The actor is the reviewer, or who released what was held."""

    after: TaskStatus
    comment: str
    reviewer: Any
    actor: Actor
    now: datetime


def approve(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, merge: Merge, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Completes a task in review. A pull request in its outputs (`pr_url`, at the commit `pr_sha`) is merged first,
    once no policy stands against it.

    Raises ImpossibleMove, NotAllowed, Stale, what `merge` raises, BlockedByPolicy.
    """
    word = Word(after=TaskStatus.COMPLETED, comment=comment, reviewer=reviewer, actor=actor, now=now)
    try:
        return _settle(task, word, expected, _refuse_unmerged)
    except Unmerged as waiting:
        merge(waiting.address, waiting.sha)
        return _settle(task, word, waiting.task.version)


def reject(
    task: Task, *, comment: str, reviewer: Any, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Sends a task in review back. Raises ImpossibleMove, NotAllowed, Stale, BlockedByPolicy."""
    word = Word(after=TaskStatus.REJECTED, comment=comment, reviewer=reviewer, actor=actor, now=now)
    return _settle(task, word, expected)


def release(task: Task, after: TaskStatus, *, held: Approval, person: Any, actor: Actor, now: datetime) -> None:
    """Makes the held review of a (locked) task, which `person` releases: it stays its reviewer's, with their comment.

    Raises ImpossibleMove, NotAllowed as a review by `person` would.
    """
    refuse(task, person)
    reviewer = held.requester or person
    moving.move(task, after, actor=actor, now=now, reason=held.remark[:500])
    _keep(task, Word(after=after, comment=held.remark, reviewer=reviewer, actor=actor, now=now))


def refuse(task: Task, reviewer: Any) -> None:
    """Raises ImpossibleMove, NotAllowed when this account may not review the task now."""
    if task.status != TaskStatus.PENDING_REVIEW:
        raise ImpossibleMove(f"Only a task in pending_review is reviewed; task {task.key} is {task.status}.")
    if task.agent is not None and task.agent.service_account_id == reviewer.pk:
        raise NotAllowed("An agent cannot review work that it did.")
    if (task.mission.four_eyes or reviewer.kind == "service") and _worked(task, reviewer):
        raise NotAllowed(_why(task, reviewer))


def _settle(
    task: Task, word: Word, expected: int | None, refuse_unready: Callable[[Task], None] = lambda task: None
) -> tuple[Task, Outcome]:
    """Asks the policies and moves the task. What `refuse_unready` raises takes all of it back, a used grant too."""
    with ledger.writing():
        task = moving.locked(task)
        versions.require(task, expected)
        refuse(task, word.reviewer)
        before = TaskStatus(task.status)
        found = moving.judge(task, before, word.after, actor=word.actor, now=word.now, remark=word.comment)
        if found.outcome not in {"block", "escalate"}:
            refuse_unready(task)
        reason = word.comment[:500]
        outcome = moving.settle(task, word.after, found, actor=word.actor, now=word.now, reason=reason)
        if outcome.moved:
            _keep(task, word)
    outcome.raise_if_blocked(task)
    return task, outcome


def _refuse_unmerged(task: Task) -> None:
    if task.outputs.get("pr_url"):
        raise Unmerged(task)


def _keep(task: Task, word: Word) -> None:
    approved = word.after == TaskStatus.COMPLETED
    Review.objects.create(task=task, approved=approved, comment=word.comment, reviewer=word.reviewer, at=word.now)
    told = TaskReviewed(
        mission=task.mission.ref,
        task=task.ref,
        agent=task.agent.ref if task.agent else None,
        approved=approved,
        comment=word.comment,
        reviewer=str(word.reviewer),
    )
    ledger.record(told, actor=word.actor, at=word.now)


def _worked(task: Task, account: Any) -> bool:
    """Whether this account did some of the work: reported it, or wrote outputs of the task by hand."""
    if task.reported_by_id == account.pk or Report.objects.filter(WORKED, task=task, by=account).exists():
        return True
    told = archiving.entries_of(task.mission).of_task(task.pk)
    told = told.filter(kind__in=[TaskCreated.kind, TaskRevised.kind], actor_id=account.pk)
    return any(entry.data["fields"].get("outputs") for entry in told)


def _why(task: Task, reviewer: Any) -> str:
    if reviewer.kind == "service":
        return "An agent cannot review work that it did."
    return f"Mission {task.mission.key} wants four eyes: somebody else must review what you worked on."
