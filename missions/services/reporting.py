"""Filing a report on a task: progress, outputs, logs, cost, and the move it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.models import Agent
from coordinator.lib import versions
from coordinator.lib.errors import NotAllowed
from missions.events import TaskReported, TaskRevised
from missions.lifecycle import TaskStatus
from missions.models import Claim, Report, Task
from missions.services import moving
from missions.services.moving import STAYED, Outcome
from traceability import ledger
from traceability.events import Actor


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What an agent reports. `outputs` are merged key by key; a `None` status or percent says nothing."""

    status: TaskStatus | None = None
    percent: int | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    logs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Caller:
    """Who reports: the account, and the agent that it is or speaks for (None: a person for themselves)."""

    user: Any
    agent: Agent | None
    is_agent: bool


def file_report(
    task: Task, filing: Filing, *, caller: Caller, expected: int | None, actor: Actor, now: datetime
) -> tuple[Task, Outcome]:
    """Records the report and moves the task. Raises NotAllowed, ImpossibleMove, Stale, BlockedByPolicy.

    A policy that blocks leaves its refusal on record and nothing else of the report.
    """
    with ledger.writing():
        task = moving.locked(task)
        versions.require(task, expected)
        _refuse_stranger(task, caller)
        if filing.status == TaskStatus.IN_PROGRESS and task.agent is None and caller.agent is not None:
            _take(task, caller.agent, actor, now)
        outcome = _move(task, filing, actor, now)
        if not outcome.blocked:
            _keep(task, filing, caller, actor, now)
    outcome.raise_if_blocked(task)
    return task, outcome


def _take(task: Task, agent: Agent, actor: Actor, now: datetime) -> None:
    versions.bump(task, now=now, agent=agent)
    told = TaskRevised(
        mission=task.mission.ref, task=task.ref, agent=agent.ref, fields={"agent": {"id": agent.pk, "key": agent.key}}
    )
    ledger.record(told, actor=actor, at=now)


def _move(task: Task, filing: Filing, actor: Actor, now: datetime) -> Outcome:
    if filing.status is None:
        return STAYED
    return moving.ask(task, filing.status, actor=actor, now=now, reason=_last_line(filing))


def _keep(task: Task, filing: Filing, caller: Caller, actor: Actor, now: datetime) -> None:
    percent = task.percent if filing.percent is None or task.status == TaskStatus.COMPLETED else filing.percent
    versions.bump(task, now=now, outputs={**task.outputs, **filing.outputs}, percent=percent, reported_by=caller.user)
    report = Report.objects.create(
        task=task,
        agent=caller.agent,
        by=caller.user,
        status=filing.status or "",
        percent=filing.percent,
        outputs=dict(filing.outputs),
        logs=[dict(line) for line in filing.logs],
        at=now,
    )
    told = TaskReported(
        mission=task.mission.ref,
        task=task.ref,
        agent=caller.agent and caller.agent.ref,
        report=report.pk,
        percent=percent,
        outputs=dict(filing.outputs),
        logs=len(filing.logs),
    )
    ledger.record(told, actor=actor, at=now)


def _refuse_stranger(task: Task, caller: Caller) -> None:
    """An agent's token reports on its own tasks and on free ones; a person may report for anyone."""
    if not caller.is_agent:
        return
    mine = caller.agent.pk if caller.agent else None
    held = Claim.objects.filter(task=task).values_list("agent_id", flat=True).first()
    for other in (held, task.agent_id):
        if other is not None and other != mine:
            raise NotAllowed(f"Task {task.key} belongs to another agent.")


def _last_line(filing: Filing) -> str:
    return str(filing.logs[-1].get("message", ""))[:500] if filing.logs else ""
