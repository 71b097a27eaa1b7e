"""Moving a task from state to state: the table, the policies, the claim and the ledger, in one place.

Every face that moves a task (report, PATCH, review, expiry, admin) comes through here.
"""

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove
from coordinator.lib.refs import Ref
from missions import facts, subjects
from missions.events import TaskMoved, TaskMoveHeld, TaskMoveRefused, TaskReleased
from missions.lifecycle import HELD, TASK_MOVES, TaskStatus, is_open, refusal_of, reported_moves
from missions.models import Claim, Task
from missions.services import verdicts
from missions.services.verdicts import STAYED, Outcome
from policies.services import deciding
from policies.services.deciding import Verdict
from traceability import ledger
from traceability.events import Actor

LINKS = {"depends_on", "requirements"}
"""What a task points at by rows of their own."""


def locked(task: Task) -> Task:
    """The task's present row, locked for this transaction, with what a move needs to know."""
    rows = Task.objects.select_for_update(of=("self",), no_key=True).select_related("mission", "agent", "sprint")
    return rows.get(pk=task.pk)


def proposed(task: Task, changes: Mapping[str, Any]) -> Task:
    """The task as it would be with these fields, to ask about before anything is stored."""
    found = copy.copy(task)
    for name in changes.keys() - LINKS:
        setattr(found, name, changes[name])
    return found


def ask(task: Task, after: TaskStatus, *, actor: Actor, now: datetime, reason: str = "") -> Outcome:
    """A reported move of a locked task, when the table and the policies let it.

    Repeating the present state is not a move. Raises ImpossibleMove, naming the moves that are open.
    """
    verdict = weigh(task, after, actor=actor, now=now)
    return settle(task, after, verdict, actor=actor, now=now, reason=reason) if verdict else STAYED


def weigh(task: Task, after: TaskStatus, *, actor: Actor, now: datetime) -> Verdict | None:
    """The policies' verdict on a reported move, or None when it is none. Raises ImpossibleMove."""
    before = TaskStatus(task.status)
    if after == before:
        return None
    if after not in reported_moves(before, review_required=task.needs_review):
        raise ImpossibleMove(refusal_of(before, after, review_required=task.needs_review))
    return judge(task, before, after, actor=actor, now=now)


def settle(
    task: Task, after: TaskStatus, verdict: Verdict, *, actor: Actor, now: datetime, reason: str = ""
) -> Outcome:
    """Does what the policies' verdict says with a locked task: refuse on record, hold for approval, or move."""
    told = {"mission": task.mission.ref, "task": task.ref, "agent": _agent_ref(task)}
    return verdicts.settle(
        verdict,
        {**told, "before": TaskStatus(task.status), "after": after},
        refused=TaskMoveRefused,
        held=TaskMoveHeld,
        make=lambda decisions: move(task, after, actor=actor, now=now, reason=reason, decisions=decisions),
        actor=actor,
        now=now,
    )


def judge(
    task: Task, before: TaskStatus, after: TaskStatus, *, actor: Actor, now: datetime, remark: str = ""
) -> Verdict:
    """What the policies say of the move; `remark` is what the actor says with it."""
    return deciding.decide(
        point="task_transition",
        action=facts.of_task_move(task, before, after, now=now),
        mission=task.mission.ref,
        task=task.ref,
        agent=_agent_ref(task),
        sprint=task.sprint.ref if task.sprint else None,
        agent_type=task.agent.adapter_module if task.agent else "",
        capabilities=subjects.capabilities(task.agent, task),
        remark=remark,
        actor=actor,
        now=now,
    )


def move(
    task: Task,
    after: TaskStatus,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    decisions: tuple[dict[str, Any], ...] = (),
) -> None:
    """Moves a locked task along the table, without asking the policies. Raises ImpossibleMove."""
    before = TaskStatus(task.status)
    if not is_open(TASK_MOVES, before, after):
        raise ImpossibleMove(refusal_of(before, after, review_required=False))
    versions.bump(task, now=now, status=after, status_since=now, **_marks(task, before, after, now))
    if after not in HELD:
        end_claim(task, reason=after, actor=actor, now=now)
    moved = TaskMoved(
        mission=task.mission.ref,
        task=task.ref,
        agent=_agent_ref(task),
        before=before,
        after=after,
        reason=reason,
        attempts=task.attempts,
        percent=task.percent,
        decisions=list(decisions),
    )
    ledger.record(moved, actor=actor, at=now)


def end_claim(task: Task, *, reason: str, actor: Actor, now: datetime) -> bool:
    """Ends the lease on a locked task, if there is one."""
    held = Claim.objects.filter(task=task).select_related("agent").first()
    if held is None:
        return False
    Claim.objects.filter(task=task).delete()
    ledger.record(
        TaskReleased(mission=task.mission.ref, task=task.ref, agent=held.agent.ref, fence=held.fence, reason=reason),
        actor=actor,
        at=now,
    )
    return True


def _marks(task: Task, before: TaskStatus, after: TaskStatus, now: datetime) -> dict[str, Any]:
    """What else a move changes on the task: attempts and the times of its work."""
    marks: dict[str, Any] = {}
    if after == TaskStatus.IN_PROGRESS and before != TaskStatus.BLOCKED:
        marks = {"attempts": task.attempts + 1, "started_at": task.started_at or now}
    if after == TaskStatus.COMPLETED:
        marks = {"percent": 100, "ended_at": now}
    if after == TaskStatus.FAILED:
        marks = {"ended_at": now}
    if before == TaskStatus.FAILED:
        marks["ended_at"] = None
    return marks


def _agent_ref(task: Task) -> Ref | None:
    return task.agent.ref if task.agent else None
