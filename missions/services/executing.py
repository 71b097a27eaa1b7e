"""Executions: handing a task to its agent's adapter. The row is the truth; the queue's message is a wake-up.

What a worker does with an execution that it took is in `missions.services.running`.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django_q.tasks import async_task

from agents.models import Agent
from coordinator.lib.errors import ImpossibleMove, Refusal
from missions import prompts
from missions.events import ExecutionQueued
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Claim, Execution, Task
from missions.services import claiming, moving, running
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

QUEUE = "exec"
LOST_MESSAGE_AFTER = timedelta(seconds=30)
RUNNABLE = (TaskStatus.PENDING, TaskStatus.REJECTED, TaskStatus.IN_PROGRESS)


class CannotRun(Refusal):
    """This task cannot be executed now."""

    status = 422


def request_execution(task: Task, *, actor: Actor, now: datetime) -> Execution:
    """Queues a run of the task by its agent's adapter. Raises CannotRun."""
    with ledger.writing():
        task = moving.locked(task)
        agent = _runner(task)
        _refuse(task)
        execution = Execution.objects.create(
            mission=task.mission,
            task=task,
            agent=agent,
            adapter=agent.adapter_module,
            prompt=prompts.of(task),
            created_at=now,
        )
        told = ExecutionQueued(**running.refs(execution), execution=execution.pk, adapter=execution.adapter)
        ledger.record(told, actor=actor, at=now)
        transaction.on_commit(partial(wake, execution.pk))
    return execution


def wake(execution_id: int) -> None:
    """Asks a worker to run it; the host asks again when this message is lost."""
    async_task("missions.jobs.run_execution", execution_id, cluster=QUEUE, save=False)


def cancel(execution: Execution, *, actor: Actor, now: datetime) -> Execution:
    """Cancels a queued run at once and asks a running one to stop. Raises ImpossibleMove when it has ended."""
    with ledger.writing():
        execution = running.locked(execution.pk)
        if execution.state not in Execution.OPEN:
            raise ImpossibleMove(f"Execution {execution.pk} has {execution.state}; there is nothing to cancel.")
        execution.cancel_requested = True
        execution.save(update_fields=["cancel_requested"])
        if execution.state == State.QUEUED:
            running.end(execution, running.Ended(state=State.CANCELLED, failure="cancelled"), now=now, actor=actor)
    return execution


def stop_unwanted(*, now: datetime) -> int:
    """Cancels the open executions of missions that are no longer active; answers how many."""
    rows = Execution.objects.filter(state__in=Execution.OPEN, cancel_requested=False)
    unwanted = rows.exclude(mission__status=MissionStatus.ACTIVE).order_by("pk").values_list("pk", flat=True)
    ids = list(unwanted[:100])
    for execution_id in ids:
        with ledger.writing():
            execution = running.locked(execution_id)
            if execution.state in Execution.OPEN and execution.mission.status != MissionStatus.ACTIVE:
                cancel(execution, actor=SYSTEM, now=now)
    return len(ids)


def wake_forgotten(*, now: datetime) -> int:
    """Asks again for queued executions whose message seems lost; a double is harmless."""
    waiting = Execution.objects.filter(state=State.QUEUED, created_at__lt=now - LOST_MESSAGE_AFTER)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:100])
    for execution_id in ids:
        wake(execution_id)
    return len(ids)


def _runner(task: Task) -> Agent:
    if task.agent is None:
        raise CannotRun(f"Task {task.key} has no agent; give it one first.")
    if not task.agent.adapter_module:
        raise CannotRun(f"Agent {task.agent.key} has no adapter; it works by itself and reports.")
    return task.agent


def _refuse(task: Task) -> None:
    if task.status not in RUNNABLE:
        raise CannotRun(f"A task that is {task.status} is not run; it must be {', '.join(RUNNABLE)}.")
    if task.mission.status != MissionStatus.ACTIVE:
        raise CannotRun(f"Mission {task.mission.key} is {task.mission.status}; start it first.")
    if waiting := claiming.unmet(task):
        raise CannotRun(f"Task {task.key} waits for {', '.join(waiting)}.")
    if Execution.objects.filter(task=task, state__in=Execution.OPEN).exists():
        raise CannotRun(f"Task {task.key} has an execution that has not ended.")
    if Claim.objects.filter(task=task).exclude(agent=task.agent).exists():
        raise CannotRun(f"Another agent holds task {task.key}.")
