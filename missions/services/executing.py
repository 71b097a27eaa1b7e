"""Executions: handing a task to its agent's adapter. The row is the truth; the queue's message is a wake-up.

A worker takes an execution by one conditional UPDATE that counts the attempt and the fence before anything runs,
renews its lease while the adapter works, and may only end what still carries its own fence.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django_q.tasks import async_task

from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove, Refusal
from missions import prompts
from missions.events import ExecutionEnded, ExecutionQueued, ExecutionStarted, TaskRevised
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Claim, Execution, Task
from missions.services import costing, moving
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

LEASE = timedelta(seconds=30)
LOST_MESSAGE_AFTER = timedelta(seconds=30)
RUNNABLE = (TaskStatus.PENDING, TaskStatus.REJECTED, TaskStatus.IN_PROGRESS)
LONGEST_OUTPUT = 200_000


class CannotRun(Refusal):
    """This task cannot be executed now."""

    status = 422


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended. `failure` is one word (empty on success), `outputs` are merged into the task."""

    state: Execution.State
    output: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    detail: str = ""
    cost_usd: Decimal | None = None


def request_execution(task: Task, *, actor: Actor, now: datetime) -> Execution:
    """Queues a run of the task by its agent's adapter. Raises CannotRun."""
    with ledger.writing():
        task = moving.locked(task)
        _refuse(task)
        agent = task.agent
        if agent is None:
            raise CannotRun(f"Task {task.key} has no agent.")
        execution = Execution.objects.create(
            mission=task.mission,
            task=task,
            agent=agent,
            adapter=agent.adapter_module,
            prompt=prompts.of(task),
            created_at=now,
        )
        ledger.record(
            ExecutionQueued(**_refs(execution), execution=execution.pk, adapter=execution.adapter), actor=actor, at=now
        )
        transaction.on_commit(partial(wake, execution.pk))
    return execution


def wake(execution_id: int) -> None:
    """Asks a worker to run it; the beat asks again when this message is lost."""
    async_task("missions.jobs.run_execution", execution_id, save=False)


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
        execution = _loaded(execution_id)
        told = ExecutionStarted(
            **_refs(execution),
            execution=execution.pk,
            adapter=execution.adapter,
            attempt=execution.attempt,
            host=host,
        )
        ledger.record(told, actor=SYSTEM, at=now)
        refusal = _start_task(execution, now)
        if refusal:
            _end(execution, Ended(state=State.FAILED, failure="not_started", detail=refusal), now)
    return None if refusal else execution


def renew(execution: Execution, *, now: datetime) -> bool:
    """Moves the lease's end. False: stop the run, because it is cancelled or no longer this worker's."""
    mine = Execution.objects.filter(pk=execution.pk, state=State.RUNNING, fence=execution.fence)
    return bool(mine.filter(cancel_requested=False).update(lease_until=now + LEASE))


def note_process(execution: Execution, group: int) -> None:
    """Keeps the process group of the adapter's child, so that it can be ended when its worker is gone."""
    Execution.objects.filter(pk=execution.pk, fence=execution.fence).update(process_group=group)


def finish(execution: Execution, ended: Ended, *, now: datetime) -> bool:
    """Records how the run ended, with its cost and outputs. False: it was no longer this worker's; nothing is kept."""
    with ledger.writing():
        rows = Execution.objects.select_for_update(of=("self",)).select_related("mission", "agent")
        held = rows.filter(pk=execution.pk, state=State.RUNNING, fence=execution.fence).first()
        if held is None:
            return False
        held.task = moving.locked(Task(pk=held.task_id))
        _end(held, ended, now)
        _tell_task(held, ended, now)
    return True


def cancel(execution: Execution, *, actor: Actor, now: datetime) -> Execution:
    """Cancels a queued run at once and asks a running one to stop. Raises ImpossibleMove when it has ended."""
    with ledger.writing():
        rows = Execution.objects.select_for_update(of=("self",)).select_related("mission", "task", "agent")
        execution = rows.get(pk=execution.pk)
        if execution.state not in Execution.OPEN:
            raise ImpossibleMove(f"Execution {execution.pk} has {execution.state}; there is nothing to cancel.")
        execution.cancel_requested = True
        execution.save(update_fields=["cancel_requested"])
        if execution.state == State.QUEUED:
            _end(execution, Ended(state=State.CANCELLED), now, actor)
    return execution


def expire(*, now: datetime, at_most: int = 100) -> int:
    """Ends, once, every running execution whose worker no longer renews its lease; wakes queued ones that wait long."""
    with ledger.writing():
        rows = Execution.objects.select_for_update(of=("self",), skip_locked=True).select_related("mission", "agent")
        lapsed = list(rows.filter(state=State.RUNNING, lease_until__lt=now).order_by("pk")[:at_most])
        for execution in lapsed:
            execution.task = moving.locked(Task(pk=execution.task_id))
            ended = Ended(state=State.FAILED, failure="crashed", detail=f"The worker on {execution.host} went away.")
            _end(execution, ended, now)
            _tell_task(execution, ended, now)
    return len(lapsed)


def wake_forgotten(*, now: datetime) -> int:
    """Asks again for queued executions whose message seems lost; a double is harmless."""
    waiting = Execution.objects.filter(state=State.QUEUED, created_at__lt=now - LOST_MESSAGE_AFTER)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:100])
    for execution_id in ids:
        wake(execution_id)
    return len(ids)


def _refuse(task: Task) -> None:
    if task.agent is None:
        raise CannotRun(f"Task {task.key} has no agent; give it one first.")
    if not task.agent.adapter_module:
        raise CannotRun(f"Agent {task.agent.key} has no adapter; it works by itself and reports.")
    if task.status not in RUNNABLE:
        raise CannotRun(f"A task that is {task.status} is not run; it must be {', '.join(RUNNABLE)}.")
    if task.mission.status != MissionStatus.ACTIVE:
        raise CannotRun(f"Mission {task.mission.key} is {task.mission.status}; start it first.")
    if Execution.objects.filter(task=task, state__in=Execution.OPEN).exists():
        raise CannotRun(f"Task {task.key} has an execution that has not ended.")
    if Claim.objects.filter(task=task).exclude(agent=task.agent).exists():
        raise CannotRun(f"Another agent holds task {task.key}.")


def _start_task(execution: Execution, now: datetime) -> str:
    """Moves the task to in_progress; answers why that cannot be, or nothing."""
    task = moving.locked(execution.task)
    if task.agent_id != execution.agent_id:
        return f"Task {task.key} is no longer {execution.agent.key}'s."
    try:
        outcome = moving.ask(task, TaskStatus.IN_PROGRESS, actor=_actor(execution), now=now, reason="execution")
    except ImpossibleMove as refusal:
        return refusal.detail
    if outcome.blocked:
        return f"A policy blocks the start of task {task.key}."
    return f"The start of task {task.key} waits for approval {outcome.approval}." if outcome.approval else ""


def _end(execution: Execution, ended: Ended, now: datetime, actor: Actor = SYSTEM) -> None:
    execution.state, execution.ended_at, execution.lease_until = ended.state, now, None
    execution.output = ended.output.replace("\x00", "")[:LONGEST_OUTPUT]
    execution.failure, execution.failure_detail = ended.failure, ended.detail.replace("\x00", "")[:2000]
    execution.cost_usd = ended.cost_usd
    execution.save(
        update_fields=["state", "ended_at", "lease_until", "output", "failure", "failure_detail", "cost_usd"]
    )
    told = ExecutionEnded(
        **_refs(execution),
        execution=execution.pk,
        state=ended.state,
        failure=ended.failure,
        detail=execution.failure_detail[:500],
        cost_usd=ended.cost_usd,
    )
    ledger.record(told, actor=actor, at=now)


def _tell_task(execution: Execution, ended: Ended, now: datetime) -> None:
    """Cost, outputs and the next state of the (locked) task, as its agent would report them."""
    task, actor = execution.task, _actor(execution)
    if ended.cost_usd:
        costing.add_cost(mission=None, task=task, cost_usd=ended.cost_usd, agent=execution.agent, actor=actor, now=now)
    if task.status != TaskStatus.IN_PROGRESS or task.agent_id != execution.agent_id:
        return
    if ended.outputs:
        versions.bump(task, now=now, outputs={**task.outputs, **ended.outputs})
        told = TaskRevised(mission=task.mission.ref, task=task.ref, fields={"outputs": task.outputs})
        ledger.record(told, actor=actor, at=now)
    reason = f"execution {execution.pk} {ended.failure or ended.state}"
    moving.ask(task, _next(task, ended), actor=actor, now=now, reason=reason)


def _next(task: Task, ended: Ended) -> TaskStatus:
    if ended.state == State.SUCCEEDED:
        return TaskStatus.PENDING_REVIEW if task.needs_review else TaskStatus.COMPLETED
    return TaskStatus.FAILED if ended.state == State.FAILED and ended.failure != "crashed" else TaskStatus.PENDING


def _loaded(execution_id: int) -> Execution:
    return Execution.objects.select_related("mission", "task", "agent").get(pk=execution_id)


def _actor(execution: Execution) -> Actor:
    return Actor("system", None, SYSTEM.name, on_behalf_of=execution.agent.key)


def _refs(execution: Execution) -> dict[str, Any]:
    return {"mission": execution.mission.ref, "task": execution.task.ref, "agent": execution.agent.ref}
