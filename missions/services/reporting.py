"""Filing a report on a task: progress, outputs, logs, cost, and the move it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.masking import masked, without_secrets
from missions.events import TaskReported
from missions.lifecycle import TaskStatus
from missions.models import Report, Task
from missions.services import callers, claiming, metering, moving, planning, safeguards
from missions.services.callers import Caller
from missions.services.metering import Charge
from missions.services.verdicts import STAYED, Outcome
from traceability import ledger
from traceability.events import Actor

__all__ = ["Caller", "Filing", "file_report"]


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What is reported. `outputs` are merged key by key; a `None` status or percent says nothing.

    `changes` are fields of the task that change with the move, `usage` is a reading of `metering`, and `fence` the
    number of the claim under which the caller works.
    """

    status: TaskStatus | None = None
    percent: int | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    logs: tuple[Mapping[str, Any], ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    usage: Any = None
    fence: int | None = None


def file_report(
    task: Task, filing: Filing, *, caller: Caller, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Records the report, its cost, and the move. Raises NotYours, NotPlanned, NotReady, InReview, ImpossibleMove,
    Stale, BlockedByPolicy.

    All of it in one transaction. A policy that blocks leaves its refusal on record and nothing else of the report.
    """
    with ledger.writing():
        task = moving.locked(task)
        versions.require(task, expected)
        callers.refuse_stranger(task, caller, filing.fence)
        callers.refuse_planning(caller, filing.changes)
        outcome = _file(task, filing, caller, actor, now)
    outcome.raise_if_blocked(task)
    return task, outcome


def _file(task: Task, filing: Filing, caller: Caller, actor: Actor, now: datetime) -> Outcome:
    _refuse(task, filing, caller)
    changes, after = _changes(task, filing, caller), filing.status or TaskStatus(task.status)
    verdict = moving.weigh(moving.proposed(task, changes), after, actor=actor, now=now)
    if verdict and verdict.outcome == "block":
        return moving.settle(task, after, verdict, actor=actor, now=now)
    planning.change(task, changes, actor=actor, now=now)
    outcome = STAYED
    if verdict:
        outcome = moving.settle(task, after, verdict, actor=actor, now=now, reason=_last_line(filing))
    _keep(task, filing, caller, actor, now)
    if filing.usage is not None:
        charge = Charge(use=filing.usage, agent=caller.agent or task.agent, task=task)
        if caller.is_agent:
            metering.refuse_foreign([charge])
        metering.charge_all([charge], actor=actor, now=now)
    return outcome


def _refuse(task: Task, filing: Filing, caller: Caller) -> None:
    """Raises InReview, NotReady (an agent's start is as ready as a claim; a person starts what has not ended)."""
    safeguards.refuse_other_outputs(task, {**task.outputs, **filing.outputs})
    starts = filing.status == TaskStatus.IN_PROGRESS and task.status != TaskStatus.IN_PROGRESS
    if starts and caller.is_agent:
        claiming.refuse_unready(task)
    elif starts:
        claiming.refuse_ended(task)


def _changes(task: Task, filing: Filing, caller: Caller) -> dict[str, Any]:
    """The fields that change; an agent that starts on a free task takes it."""
    changes = dict(filing.changes)
    if filing.status == TaskStatus.IN_PROGRESS and task.agent is None and caller.agent is not None:
        changes.setdefault("agent", caller.agent)
    return changes


def _keep(task: Task, filing: Filing, caller: Caller, actor: Actor, now: datetime) -> None:
    percent = task.percent if filing.percent is None or task.status == TaskStatus.COMPLETED else filing.percent
    outputs = {**task.outputs, **filing.outputs}
    versions.bump(task, now=now, outputs=outputs, percent=percent, reported_by_id=caller.user.pk)
    report = Report.objects.create(
        task=task,
        agent=caller.agent,
        by=caller.user,
        status=filing.status or "",
        percent=filing.percent,
        outputs=dict(filing.outputs),
        logs=masked(filing.logs),
        at=now,
    )
    told = TaskReported(
        mission=task.mission.ref,
        task=task.ref,
        agent=caller.agent.ref if caller.agent else None,
        report=report.pk,
        percent=percent,
        outputs=dict(filing.outputs),
        logs=len(report.logs),
        logs_sha256=report.logs_sha256,
    )
    ledger.record(told, actor=actor, at=now)


def _last_line(filing: Filing) -> str:
    return without_secrets(str(filing.logs[-1].get("message", "")))[:500] if filing.logs else ""
