"""Executions: handing a task to its agent's adapter. The row is the truth; the queue's message is a wake-up.

What a worker does with an execution that it took is in `missions.services.beginning` and `running`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from agents.models import Agent
from coordinator.lib.errors import Conflict, ImpossibleMove, Refusal
from missions import prompts, retries
from missions.events import ExecutionQueued
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Claim, Execution, Task
from missions.services import claiming, concluding, moving, running, waking
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

RUNNABLE = (TaskStatus.PENDING, TaskStatus.REJECTED, TaskStatus.IN_PROGRESS)


class CannotRun(Refusal):
    """This task cannot be executed now."""

    status = 422


class KeyOfAnother(Conflict):
    """This key belongs to an execution of another task."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the client says of a run: its key (empty: one is made), how often it is tried, and after which failures.

    None leaves it to the agent's adapter_config.
    """

    key: str = ""
    max_attempts: int | None = None
    retry_on: Sequence[str] | None = None


def request_execution(task: Task, wanted: Wanted | None = None, *, actor: Actor, now: datetime) -> Execution:
    """Queues a run of the task by its agent's adapter; the execution that has the key already, if any.

    Raises CannotRun, KeyOfAnother.
    """
    wanted = wanted or Wanted()
    with ledger.writing():
        task = moving.locked(task)
        return _known(task, wanted.key) or _queue(task, wanted, actor, now)


def cancel(execution: Execution, *, actor: Actor, now: datetime) -> Execution:
    """Cancels a queued run at once and asks a running one to stop. Raises ImpossibleMove when it has ended."""
    with ledger.writing():
        task = moving.locked(Task(pk=execution.task_id))
        execution = running.locked(execution.pk)
        execution.task = task
        if execution.has_ended:
            raise ImpossibleMove(f"Execution {execution.pk} has {execution.state}; there is nothing to cancel.")
        execution.cancel_requested = True
        execution.save(update_fields=["cancel_requested"])
        if execution.state == State.QUEUED:
            _give_up(execution, actor, now)
    return execution


def stop_unwanted(*, now: datetime) -> int:
    """Cancels the open executions of missions that are no longer active; answers how many."""
    rows = Execution.objects.filter(state__in=Execution.OPEN, cancel_requested=False)
    unwanted = rows.exclude(mission__status=MissionStatus.ACTIVE).order_by("pk")
    return sum(_stop(execution, now) for execution in unwanted[:100])


def _stop(execution: Execution, now: datetime) -> bool:
    with ledger.writing():
        moving.locked(Task(pk=execution.task_id))
        execution = running.locked(execution.pk)
        if execution.has_ended or execution.mission.status == MissionStatus.ACTIVE:
            return False
        cancel(execution, actor=SYSTEM, now=now)
    return True


def _give_up(execution: Execution, actor: Actor, now: datetime) -> None:
    """Ends a queued execution; one that ran before gives its task back."""
    running.end(execution, running.Ended(state=State.CANCELLED, failure="cancelled"), now=now, actor=actor)
    if execution.attempt:
        concluding.tell_task(execution, state=State.CANCELLED, failure="cancelled", outputs={}, now=now)


def _known(task: Task, key: str) -> Execution | None:
    """The task's execution with this key. Nobody else uses the key until the transaction ends. Raises KeyOfAnother."""
    if not key:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('missions.execution.key:' || %s, 0))", [key])
    found = Execution.objects.select_related("mission", "task", "agent").filter(key=key)
    execution = next(iter(found), None)
    if execution is not None and execution.task_id != task.pk:
        raise KeyOfAnother(f"The key {key!r} belongs to an execution of task {execution.task.key}; choose another one.")
    return execution


def _queue(task: Task, wanted: Wanted, actor: Actor, now: datetime) -> Execution:
    agent = _runner(task)
    _refuse(task)
    retrying = retries.wanted(agent.adapter_config, max_attempts=wanted.max_attempts, retry_on=wanted.retry_on)
    execution = Execution.objects.create(
        mission=task.mission,
        task=task,
        agent=agent,
        adapter=agent.adapter_module,
        prompt=prompts.of(task),
        created_at=now,
        max_attempts=retrying.max_attempts,
        retry_on=list(retrying.retry_on),
        **({"key": wanted.key} if wanted.key else {}),
    )
    told = ExecutionQueued(**running.refs(execution), execution=execution.pk, adapter=execution.adapter)
    ledger.record(told, actor=actor, at=now)
    transaction.on_commit(partial(waking.wake, [execution.pk], now=now), robust=True)
    return execution


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
