"""A worker's part of an execution: keeping it, and ending it exactly once.

A worker takes an execution by one conditional UPDATE that counts the attempt and the fence before anything runs (see
`beginning`), renews its lease while the adapter works, and may only end what still carries its own fence. Whoever needs
several locks takes them in this order: places (`admitting`), the task, the execution.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import connection, transaction

from agents.adapters.base import WHAT_TO_DO, Failure
from agents.costs import Use
from missions import outputs, retries
from missions.events import ExecutionEnded, ExecutionRetried
from missions.lifecycle import MissionStatus
from missions.models import Execution, Task
from missions.services import concluding, metering, moving, waking, writing_output
from missions.services.writing_output import Piece, Stream
from traceability import hints, ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

LEASE = timedelta(seconds=30)
QUIET_AFTER = timedelta(seconds=5)
"""A run that was not renewed for so long is buried when nobody holds its certificate."""

LEFT_RUNNING = (Failure.CRASHED, Failure.UNREACHABLE)
"""After these what runs at a provider may go on: the next attempt takes it up."""

CERTIFICATE = "hashtextextended('missions.execution:' || %s, 0)"
"""The advisory lock that a run's worker holds; nobody else can have it meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended. `failure` is one word (empty on success), `outputs` are merged into the task.

    `output` is what it put out and nobody has kept yet.
    """

    state: Execution.State
    output: Sequence[Piece] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    detail: str = ""
    use: Use | None = None


def renew(execution: Execution, *, output: Sequence[Piece] = (), now: datetime) -> bool:
    """Moves the lease's end and keeps new output. False: stop the run, it is cancelled or no longer ours."""
    mine = Execution.objects.filter(pk=execution.pk, state=State.RUNNING, fence=execution.fence)
    with transaction.atomic():
        if not mine.update(lease_until=now + LEASE, heartbeat_at=now):
            return False
        _write(execution, output, now)
        return mine.filter(cancel_requested=False).exists()


def note_place(execution: Execution, *, group: int | None, remote_id: str) -> None:
    """Keeps where the attempt runs: the process group of the adapter's child, the name that a provider gave it."""
    mine = Execution.objects.filter(pk=execution.pk, fence=execution.fence)
    mine.update(process_group=group, remote_id=remote_id[:200])


def note(execution: Execution, text: str, now: datetime) -> None:
    """Puts a line of ours into the output."""
    _write(execution, [_note(text)], now)


def certificate_of(execution: Execution) -> str:
    """What the certificate of this attempt is named by."""
    return f"{execution.pk}:{execution.fence}"


def budget_left(execution: Execution) -> Decimal | None:
    """What the run may cost: the least that the task's and the mission's budgets leave; None without a budget."""
    rows = (execution.task, execution.mission)
    left = [row.budget_usd - row.cost_usd for row in rows if row.budget_usd is not None]
    return min(left, default=None)


def finish(execution: Execution, ended: Ended, *, now: datetime) -> Execution.State | None:
    """Records how the attempt ended, with its cost and outputs; answers the state after it: queued when there will be
    another attempt. None: it was no longer ours, and nothing is kept."""
    with ledger.writing():
        task = moving.locked(Task(pk=execution.task_id))
        held = locked(execution.pk)
        if held.state != State.RUNNING or held.fence != execution.fence:
            return None
        held.task = task
        _charge(held, ended, now)
        if _is_tried_again(held, ended):
            _retry(held, ended, now)
        else:
            end(held, ended, now=now)
            concluding.tell_task(held, state=ended.state, failure=ended.failure, outputs=ended.outputs, now=now)
    return State(held.state)


def quiet(*, now: datetime, at_most: int = 100) -> list[Execution]:
    """The running executions that were not renewed lately."""
    rows = Execution.objects.filter(state=State.RUNNING, lease_until__lt=now + LEASE - QUIET_AFTER)
    return list(rows.order_by("pk")[:at_most])


def bury(execution: Execution, *, now: datetime) -> bool:
    """Ends an attempt whose worker is gone. False when its worker lives, or when it has ended or was renewed since it
    was read."""
    with ledger.writing():
        lapsed = execution.lease_until is None or execution.lease_until < now
        if not (lapsed or _is_left_alone(execution)):
            return False
        present = Execution.objects.values_list("lease_until", flat=True).get(pk=execution.pk)
        if present != execution.lease_until:
            return False
        detail = f"The worker on {execution.host} went away. {WHAT_TO_DO[Failure.CRASHED]}"
        crashed = Ended(state=State.FAILED, failure=Failure.CRASHED, detail=detail)
        return finish(execution, crashed, now=now) is not None


def end(execution: Execution, ended: Ended, *, now: datetime, actor: Actor = SYSTEM) -> None:
    """Ends a locked execution. What it put out before is kept when the end tells nothing more."""
    _write(execution, ended.output, now)
    execution.state, execution.ended_at, execution.lease_until = ended.state, now, None
    execution.output = outputs.whole(execution.pk) or execution.output
    _note_failure(execution, ended)
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
    waking.wake_next(execution, now=now)


def locked(execution_id: int) -> Execution:
    """The execution's present row, locked for this transaction, with what it is about."""
    rows = Execution.objects.select_for_update(of=("self",)).select_related("mission", "task", "agent")
    return rows.get(pk=execution_id)


def refs(execution: Execution) -> dict[str, Any]:
    return {"mission": execution.mission.ref, "task": execution.task.ref, "agent": execution.agent.ref}


def _charge(execution: Execution, ended: Ended, now: datetime) -> None:
    """Counts what the attempt used, once, for the agent, the task and the mission."""
    if ended.use is None:
        return
    use = replace(ended.use, usage_id=f"execution-{execution.pk}-{execution.fence}")
    agent, actor = execution.agent, concluding.actor_of(execution)
    cost = metering.charge(execution.task, use, agent=agent, actor=actor, now=now).cost_usd
    if cost is not None:
        execution.cost_usd = (execution.cost_usd or 0) + cost


def _is_tried_again(execution: Execution, ended: Ended) -> bool:
    return (
        ended.state == State.FAILED
        and ended.failure in execution.retry_on
        and execution.attempt < execution.max_attempts
        and not execution.cancel_requested
        and execution.mission.status == MissionStatus.ACTIVE
    )


def _retry(execution: Execution, ended: Ended, now: datetime) -> None:
    """Queues a locked execution for its next attempt; its task stays in progress meanwhile."""
    again_at = retries.next_at(now, attempt=execution.attempt, chance=random.random())
    pause = _note(f"Attempt {execution.attempt} failed ({ended.failure}); the next one begins after a pause.")
    _write(execution, [*ended.output, pause], now)
    execution.state, execution.lease_until, execution.woken_at = State.QUEUED, None, None
    execution.run_after = again_at
    if ended.failure not in LEFT_RUNNING:
        execution.remote_id = ""
    _note_failure(execution, ended)
    execution.save(
        update_fields=[
            "state",
            "lease_until",
            "woken_at",
            "run_after",
            "remote_id",
            "failure",
            "failure_detail",
            "cost_usd",
        ]
    )
    told = ExecutionRetried(
        **refs(execution),
        execution=execution.pk,
        attempt=execution.attempt,
        failure=execution.failure,
        detail=execution.failure_detail[:500],
        run_after=again_at,
        cost_usd=execution.cost_usd,
    )
    ledger.record(told, actor=SYSTEM, at=now)
    waking.wake_next(execution, now=now)


def _note_failure(execution: Execution, ended: Ended) -> None:
    execution.failure = ended.failure
    execution.failure_detail = writing_output.clean(ended.detail)[:2000]


def _note(text: str) -> Piece:
    return Piece(Stream.NOTE, f"{text}\n")


def _write(execution: Execution, output: Sequence[Piece], now: datetime) -> None:
    """Keeps what was put out, and lets open pages know."""
    if output:
        writing_output.append(execution.pk, output, now=now)
        transaction.on_commit(partial(hints.wrote, execution.task_id, now))


def _is_left_alone(execution: Execution) -> bool:
    """Whether nobody holds the certificate; until the transaction ends nobody can take it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({CERTIFICATE})", [certificate_of(execution)])
        return bool(cursor.fetchone()[0])
