"""A worker's part of an execution: taking it, keeping it, and ending it exactly once.

A worker takes an execution by one conditional UPDATE that counts the attempt and the fence before anything runs,
renews its lease while the adapter works, and may only end what still carries its own fence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from agents.adapters.base import WHAT_TO_DO, Failure
from agents.costs import Use
from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove
from missions.events import ExecutionEnded, ExecutionStarted, TaskRevised
from missions.lifecycle import TASK_MOVES, MissionStatus, TaskStatus, is_open
from missions.models import Execution, Task
from missions.services import metering, moving
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

LEASE = timedelta(seconds=30)
QUIET_AFTER = timedelta(seconds=5)
"""A run that was not renewed for so long is buried when nobody holds its certificate."""

LONGEST_OUTPUT = 200_000
NEXT_AFTER = {
    Failure.AGENT_ERROR: TaskStatus.FAILED,
    Failure.OVER_BUDGET: TaskStatus.FAILED,
    Failure.TIMED_OUT: TaskStatus.FAILED,
    Failure.REFUSED_BY_POLICY: TaskStatus.BLOCKED,
}
"""Where a failure leaves the task; after any other it is pending again, since nobody worked on it in vain."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended. `failure` is one word (empty on success), `outputs` are merged into the task."""

    state: Execution.State
    output: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    detail: str = ""
    use: Use | None = None


def begin(execution_id: int, *, host: str, now: datetime) -> Execution | None:
    """Takes a queued execution for this worker; None when another has it, it was cancelled, or its task moved on."""
    with ledger.writing():
        taken = Execution.objects.filter(pk=execution_id, state=State.QUEUED).update(
            state=State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            host=host,
            lease_until=now + LEASE,
            started_at=now,
        )
        if not taken:
            return None
        execution = locked(execution_id)
        told = ExecutionStarted(
            **refs(execution),
            execution=execution.pk,
            adapter=execution.adapter,
            attempt=execution.attempt,
            host=host,
        )
        ledger.record(told, actor=SYSTEM, at=now)
        refusal = _refusal(execution) or _start_task(execution, now)
        if refusal:
            end(execution, refusal, now=now)
    return None if refusal else execution


def renew(execution: Execution, *, output: str, now: datetime) -> bool:
    """Keeps the output so far and moves the lease's end. False: stop the run, it is cancelled or no longer ours."""
    mine = Execution.objects.filter(pk=execution.pk, state=State.RUNNING, fence=execution.fence)
    changes: dict[str, Any] = {"lease_until": now + LEASE}
    if output != execution.output:
        execution.output = changes["output"] = output
    return bool(mine.filter(cancel_requested=False).update(**changes))


def note_process(execution: Execution, group: int) -> None:
    """Keeps the process group of the adapter's child, for whoever looks for it."""
    Execution.objects.filter(pk=execution.pk, fence=execution.fence).update(process_group=group)


def budget_left(execution: Execution) -> Decimal | None:
    """What the run may cost: the least that the task's and the mission's budgets leave; None without a budget."""
    rows = (execution.task, execution.mission)
    left = [row.budget_usd - row.cost_usd for row in rows if row.budget_usd is not None]
    return min(left, default=None)


def finish(execution: Execution, ended: Ended, *, now: datetime) -> bool:
    """Records how the run ended, with its cost and outputs. False: it was no longer ours; nothing is kept."""
    with ledger.writing():
        task = moving.locked(Task(pk=execution.task_id))
        held = locked(execution.pk)
        if held.state != State.RUNNING or held.fence != execution.fence:
            return False
        held.task = task
        _charge(held, ended, now)
        end(held, ended, now=now)
        _tell_task(held, ended, now)
    return True


def quiet(*, now: datetime, at_most: int = 100) -> list[Execution]:
    """The running executions that were not renewed lately."""
    rows = Execution.objects.filter(state=State.RUNNING, lease_until__lt=now + LEASE - QUIET_AFTER)
    return list(rows.order_by("pk")[:at_most])


def has_lapsed(execution: Execution, now: datetime) -> bool:
    return execution.lease_until is None or execution.lease_until < now


def bury(execution: Execution, *, now: datetime) -> bool:
    """Ends a run whose worker is gone. False when it has ended, or was renewed since it was read."""
    present = Execution.objects.values_list("lease_until", flat=True).get(pk=execution.pk)
    if present != execution.lease_until:
        return False
    detail = f"The worker on {execution.host} went away. {WHAT_TO_DO[Failure.CRASHED]}"
    return finish(execution, Ended(state=State.FAILED, failure=Failure.CRASHED, detail=detail), now=now)


def end(execution: Execution, ended: Ended, *, now: datetime, actor: Actor = SYSTEM) -> None:
    """Ends a locked execution. What it put out before is kept when the end tells nothing more."""
    execution.state, execution.ended_at, execution.lease_until = ended.state, now, None
    execution.output = cut((ended.output or execution.output).replace("\x00", ""))
    execution.failure, execution.failure_detail = ended.failure, ended.detail.replace("\x00", "")[:2000]
    execution.save(
        update_fields=["state", "ended_at", "lease_until", "output", "failure", "failure_detail", "cost_usd"]
    )
    told = ExecutionEnded(
        **refs(execution),
        execution=execution.pk,
        state=ended.state,
        failure=execution.failure,
        detail=execution.failure_detail[:500],
        cost_usd=execution.cost_usd,
    )
    ledger.record(told, actor=actor, at=now)


def cut(output: str) -> str:
    """The output's last part: what fits."""
    return output[-LONGEST_OUTPUT:]


def locked(execution_id: int) -> Execution:
    """The execution's present row, locked for this transaction, with what it is about."""
    rows = Execution.objects.select_for_update(of=("self",)).select_related("mission", "task", "agent")
    return rows.get(pk=execution_id)


def refs(execution: Execution) -> dict[str, Any]:
    return {"mission": execution.mission.ref, "task": execution.task.ref, "agent": execution.agent.ref}


def _refusal(execution: Execution) -> Ended | None:
    """Why a taken execution is not run after all: what was true when it was asked for may have changed."""
    left = budget_left(execution)
    if execution.mission.status != MissionStatus.ACTIVE:
        return _not_run(Failure.CANCELLED, f"Mission {execution.mission.key} is {execution.mission.status}.")
    if left is not None and left <= 0:
        return _not_run(Failure.OVER_BUDGET, f"Nothing is left of the budget for task {execution.task.key}.")
    return None


def _start_task(execution: Execution, now: datetime) -> Ended | None:
    """Moves the task to in_progress; answers why that cannot be, or nothing."""
    task = moving.locked(execution.task)
    if task.agent_id != execution.agent_id:
        return _not_run(Failure.CANCELLED, f"Task {task.key} is no longer {execution.agent.key}'s.")
    try:
        outcome = moving.ask(task, TaskStatus.IN_PROGRESS, actor=_actor(execution), now=now, reason="execution")
    except ImpossibleMove as refusal:
        return _not_run(Failure.CANCELLED, refusal.detail)
    if outcome.blocked:
        return _not_run(Failure.REFUSED_BY_POLICY, f"A policy blocks the start of task {task.key}.")
    if outcome.approval:
        return _not_run(Failure.REFUSED_BY_POLICY, f"Task {task.key} waits for approval {outcome.approval}.")
    return None


def _not_run(failure: Failure, detail: str) -> Ended:
    state = State.CANCELLED if failure == Failure.CANCELLED else State.FAILED
    return Ended(state=state, failure=failure, detail=f"{detail} {WHAT_TO_DO[failure]}")


def _charge(execution: Execution, ended: Ended, now: datetime) -> None:
    """Counts what the run used, once, for the agent, the task and the mission."""
    if ended.use is None:
        return
    use = replace(ended.use, usage_id=f"execution-{execution.pk}-{execution.fence}")
    agent, actor = execution.agent, _actor(execution)
    execution.cost_usd = metering.charge(execution.task, use, agent=agent, actor=actor, now=now).cost_usd


def _tell_task(execution: Execution, ended: Ended, now: datetime) -> None:
    """Outputs and the next state of the (locked) task, as its agent would report them."""
    task, actor = moving.locked(execution.task), _actor(execution)
    if task.status != TaskStatus.IN_PROGRESS or task.agent_id != execution.agent_id:
        return
    if ended.outputs:
        versions.bump(task, now=now, outputs={**task.outputs, **ended.outputs})
        told = TaskRevised(mission=task.mission.ref, task=task.ref, fields={"outputs": task.outputs})
        ledger.record(told, actor=actor, at=now)
    reason = f"execution {execution.pk} {ended.failure or ended.state}"
    if ended.state != State.SUCCEEDED:
        after = NEXT_AFTER.get(Failure(ended.failure), TaskStatus.PENDING)
        moving.move(task, after, actor=actor, now=now, reason=reason)
        return
    wanted = TaskStatus.PENDING_REVIEW if task.needs_review else TaskStatus.COMPLETED
    outcome = moving.ask(task, wanted, actor=actor, now=now, reason=reason)
    if outcome.blocked and is_open(TASK_MOVES, TaskStatus(task.status), TaskStatus.BLOCKED):
        moving.move(task, TaskStatus.BLOCKED, actor=actor, now=now, reason=f"{reason}, but a policy blocks {wanted}")


def _actor(execution: Execution) -> Actor:
    return Actor("system", None, SYSTEM.name, on_behalf_of=execution.agent.key)
