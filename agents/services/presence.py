"""How agents are, by what they say of themselves: presence is updated in place, history has changes of status only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction

from agents.events import AgentStatusChanged
from agents.health import ActivityEvent, AgentStatus, is_at_task, status_after
from agents.models import Activity, Agent
from coordinator.lib.masking import masked
from coordinator.lib.refs import Ref
from traceability import hints, ledger
from traceability.events import SYSTEM, Actor

PRESENCE = ("status", "status_since", "status_reason", "last_seen_at", "current_task_id", "current_task_key")
COLUMNS = (
    "agent_id", "event", "context", "session", "mission_id", "mission_key", "task_id", "task_key", "at", "received_at",
)  # fmt: skip
STORE = f"""
WITH touched AS (UPDATE {Agent._meta.db_table} SET {", ".join(f"{name} = %s" for name in PRESENCE)} WHERE id = %s)
INSERT INTO {Activity._meta.db_table} ({", ".join(COLUMNS)}) VALUES
"""
ROW = f"({', '.join('%s::jsonb' if name == 'context' else '%s' for name in COLUMNS)})"
REASONS = ("reason", "message", "error", "question", "summary")
SESSIONS = ("session_id", "session")
LONGEST_REASON = 500
SILENCE = "silence"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One event as the agent reported it. `mission` and `task` are known; `task_key` alone is only what it named."""

    event: ActivityEvent
    at: datetime
    context: Mapping[str, Any] = field(default_factory=dict)
    mission: Ref | None = None
    task: Ref | None = None
    mission_key: str = ""
    task_key: str = ""

    @property
    def reason(self) -> str:
        """The first text in the context that says why."""
        texts = (self.context.get(name) for name in REASONS)
        return next((text for text in texts if isinstance(text, str) and text.strip()), "")[:LONGEST_REASON]

    @property
    def session(self) -> str:
        texts = (self.context.get(name) for name in SESSIONS)
        return next((text for text in texts if isinstance(text, str)), "")[:200]


def hear(agent: Agent, said: Sequence[Said], *, actor: Actor, now: datetime) -> list[Activity]:
    """Stores what a locked agent said, in its order and without secrets, and how that leaves it.

    Inside the caller's `ledger.writing()`. Open pages are told after the commit that it was heard of.
    """
    said = [replace(each, context=masked(each.context)) for each in said]
    for each in said:
        _follow(agent, each, actor, now)
    agent.last_seen_at = now
    transaction.on_commit(partial(hints.saw, agent.pk, now))
    return _store(agent, [_row(agent, each, now) for each in said])


def mark_silent(*, now: datetime, after_s: int, at_most: int = 500) -> int:
    """Takes agents that should be heard of and are not for offline; answers how many. Safe in two places at once."""
    with ledger.writing():
        rows = Agent.objects.silent_since(now - timedelta(seconds=after_s))
        silent = list(rows.select_for_update(no_key=True, skip_locked=True).order_by("pk")[:at_most])
        for agent in silent:
            reason = f"Nothing was heard since {agent.last_seen_at:%Y-%m-%dT%H:%M:%SZ}."
            _change(agent, AgentStatus.OFFLINE, because=SILENCE, reason=reason, about={}, actor=SYSTEM, now=now)
        Agent.objects.bulk_update(silent, ["status", "status_since", "status_reason"])
    return len(silent)


def _store(agent: Agent, rows: list[Activity]) -> list[Activity]:
    """Touches the agent and inserts the rows in one plain statement: every heartbeat pays for it."""
    presence = [getattr(agent, name) for name in PRESENCE]
    values = [
        json.dumps(value) if name == "context" else value
        for row in rows
        for name, value in ((name, getattr(row, name)) for name in COLUMNS)
    ]
    with connection.cursor() as cursor:
        cursor.execute(STORE + ", ".join([ROW] * len(rows)) + " RETURNING id", [*presence, agent.pk, *values])
        ids = cursor.fetchall()
    for row, (pk,) in zip(rows, ids, strict=True):
        row.pk = pk
    return rows


def _follow(agent: Agent, said: Said, actor: Actor, now: datetime) -> None:
    after = status_after(AgentStatus(agent.status), said.event)
    if after != agent.status:
        about = {"mission": said.mission, "task": said.task}
        _change(agent, after, because=said.event, reason=said.reason, about=about, actor=actor, now=now)
    elif said.reason:
        agent.status_reason = said.reason
    at_task = is_at_task(said.event, named=bool(said.task_key))
    if at_task is not None:
        agent.current_task_id = said.task.id if at_task and said.task else None
        agent.current_task_key = said.task_key if at_task else ""


def _change(
    agent: Agent, after: AgentStatus, *, because: str, reason: str, about: dict[str, Any], actor: Actor, now: datetime
) -> None:
    told = AgentStatusChanged(
        agent=agent.ref, before=agent.status, after=after, because=because, reason=reason, **about
    )
    agent.status, agent.status_since, agent.status_reason = after, now, reason
    ledger.record(told, actor=actor, at=now)


def _row(agent: Agent, said: Said, now: datetime) -> Activity:
    return Activity(
        agent=agent,
        event=said.event,
        context=dict(said.context),
        session=said.session,
        mission_id=said.mission.id if said.mission else None,
        mission_key=said.mission_key,
        task_id=said.task.id if said.task else None,
        task_key=said.task_key,
        at=said.at,
        received_at=now,
    )
