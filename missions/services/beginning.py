"""Taking a queued execution for a worker: it is counted before anything runs, then what stands against it is asked."""

from datetime import datetime

from django.db.models import F

from agents.adapters.base import WHAT_TO_DO, Failure
from coordinator.lib.errors import ImpossibleMove
from missions.events import ExecutionStarted
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Execution, Task
from missions.services import admitting, concluding, moving, running, waking
from missions.services.running import LEASE, Ended
from traceability import ledger
from traceability.events import SYSTEM

State = Execution.State


def begin(execution_id: int, *, host: str, now: datetime) -> Execution | None:
    """Takes a queued execution for this worker.

    None when another has it, its mission or its agent has runs enough, it is not due, was cancelled, or its task
    moved on.
    """
    with ledger.writing():
        place = admitting.place_of(execution_id, now=now)
        if place is None:
            return None
        if not admitting.is_free(place):
            waking.let_sleep(execution_id)
            return None
        task = moving.locked(Task(pk=place.task))
        if not _take(execution_id, host, now):
            return None
        execution = running.locked(execution_id)
        execution.task = task
        _tell_start(execution, now)
        refusal = _refusal(execution) or _start_task(execution, now)
        if refusal:
            running.end(execution, refusal, now=now)
            if execution.attempt > 1:
                concluding.tell_task(execution, state=refusal.state, failure=refusal.failure, outputs={}, now=now)
    return None if refusal else execution


def _take(execution_id: int, host: str, now: datetime) -> bool:
    return bool(
        admitting.due(now)
        .filter(pk=execution_id)
        .update(
            state=State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            host=host,
            lease_until=now + LEASE,
            heartbeat_at=now,
            started_at=now,
            failure="",
            failure_detail="",
        )
    )


def _tell_start(execution: Execution, now: datetime) -> None:
    told = ExecutionStarted(
        **running.refs(execution),
        execution=execution.pk,
        adapter=execution.adapter,
        attempt=execution.attempt,
        host=execution.host,
    )
    ledger.record(told, actor=SYSTEM, at=now)
    if execution.attempt > 1:
        running.note(execution, f"Attempt {execution.attempt} of {execution.max_attempts} begins.", now)


def _refusal(execution: Execution) -> Ended | None:
    """Why a taken execution is not run after all: what was true when it was asked for may have changed."""
    left = running.budget_left(execution)
    if execution.mission.status != MissionStatus.ACTIVE:
        return _not_run(Failure.CANCELLED, f"Mission {execution.mission.key} is {execution.mission.status}.")
    if left is not None and left <= 0:
        return _not_run(Failure.OVER_BUDGET, f"Nothing is left of the budget for task {execution.task.key}.")
    return None


def _start_task(execution: Execution, now: datetime) -> Ended | None:
    """Moves the locked task to in_progress, where a further attempt must find it; answers why it is not run."""
    task, actor = execution.task, concluding.actor_of(execution)
    if task.agent_id != execution.agent_id:
        return _not_run(Failure.CANCELLED, f"Task {task.key} is no longer {execution.agent.key}'s.")
    if execution.attempt > 1 and task.status != TaskStatus.IN_PROGRESS:
        return _not_run(Failure.CANCELLED, f"Task {task.key} was moved to {task.status} since the last attempt began.")
    try:
        outcome = moving.ask(task, TaskStatus.IN_PROGRESS, actor=actor, now=now, reason="execution")
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
