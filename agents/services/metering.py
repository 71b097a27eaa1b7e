"""Counting use: each report once, with what was reported and what we compute side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F

from agents import costs
from agents.costs import Use
from agents.events import UsageRecorded
from agents.models import Agent, Usage
from coordinator.lib.refs import Ref
from traceability import ledger
from traceability.events import Actor

COLUMNS = (
    "usage_id", "agent_id", "mission_id", "mission_key", "task_id", "task_key", "sprint_id", "model", "input_tokens",
    "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_reported_usd",
    "cost_computed_usd", "cost_usd", "source", "at",
)  # fmt: skip
ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
INSERT = f"INSERT INTO {Usage._meta.db_table} ({', '.join(COLUMNS)}) VALUES "
ONCE = " ON CONFLICT DO NOTHING RETURNING agent_id, usage_id"


@dataclass(frozen=True, kw_only=True)
class Spent:
    """A use and whose it is."""

    use: Use
    agent: Agent | None = None
    mission: Ref | None = None
    task: Ref | None = None
    sprint_id: int | None = None

    @property
    def once(self) -> tuple[int | None, str] | None:
        """What may be counted once only; None when the report names no `usage_id`."""
        return None if self.use.usage_id is None else (self.agent.pk if self.agent else None, self.use.usage_id)


@dataclass(frozen=True, kw_only=True)
class Metered:
    """What became of a report. `counted` is False when it was counted before; `cost_usd` is None when unknown."""

    counted: bool
    cost_usd: Decimal | None
    source: str
    cost_computed_usd: Decimal | None = None


def meter(spent: Sequence[Spent], *, actor: Actor, now: datetime) -> list[Metered]:
    """Stores each use once and adds it to its agent; answers what became of each, in the same order."""
    metered = [_priced(each, now) for each in spent]
    with ledger.writing():
        fresh = _store(spent, metered, now)
        told = [_told(row, new) for row, new in zip(metered, fresh, strict=True)]
        new = [(each, row) for each, row in zip(spent, told, strict=True) if row.counted]
        _add_to_agents(new)
        _tell([(each, row) for each, row in new if each.mission is None], actor, now)
    return told


def _priced(spent: Spent, now: datetime) -> Metered:
    use, flat = spent.use, spent.agent.cost_per_mtok if spent.agent else None
    computed = costs.computed(use, at=use.at or now, cost_per_mtok=flat)
    cost = computed if use.cost_usd is None else use.cost_usd
    source = Usage.Source.REPORTED if use.cost_usd is not None else Usage.Source.COMPUTED
    return Metered(
        counted=True,
        cost_usd=cost,
        source=source if cost is not None else Usage.Source.UNKNOWN,
        cost_computed_usd=computed,
    )


def _store(spent: Sequence[Spent], metered: Sequence[Metered], now: datetime) -> list[bool]:
    """Inserts what was not counted before; answers for each whether it is new. A batch counts a repeat once."""
    first: dict[Any, int] = {}
    for index, each in enumerate(spent):
        first.setdefault(each.once or index, index)
    chosen = sorted(first.values(), key=lambda index: str(spent[index].once))
    if not chosen:
        return []
    rows = [_row(spent[index], metered[index], now) for index in chosen]
    with connection.cursor() as cursor:
        cursor.execute(INSERT + ", ".join([ROW] * len(rows)) + ONCE, [value for row in rows for value in row])
        stored = set(cursor.fetchall())
    return [first[each.once or index] == index and (not each.once or each.once in stored)
            for index, each in enumerate(spent)]  # fmt: skip


def _row(spent: Spent, metered: Metered, now: datetime) -> tuple[Any, ...]:
    use = spent.use
    return (
        use.usage_id, spent.agent.pk if spent.agent else None, spent.mission.id if spent.mission else None,
        spent.mission.key if spent.mission else "", spent.task.id if spent.task else None,
        spent.task.key if spent.task else "", spent.sprint_id, use.model, use.input_tokens, use.cache_read_tokens,
        use.cache_write_tokens, use.output_tokens, use.reasoning_tokens, use.cost_usd, metered.cost_computed_usd,
        metered.cost_usd, metered.source, min(use.at or now, now),
    )  # fmt: skip


def _told(row: Metered, new: bool) -> Metered:
    return Metered(counted=new, cost_usd=row.cost_usd, source=row.source, cost_computed_usd=row.cost_computed_usd)


def _add_to_agents(new: Sequence[tuple[Spent, Metered]]) -> None:
    """Adds tokens and known cost to each agent's totals, in the order of their ids so that two cannot deadlock."""
    sums: dict[int, tuple[int, Decimal]] = {}
    for spent, row in new:
        if spent.agent is not None:
            tokens, cost = sums.get(spent.agent.pk, (0, Decimal(0)))
            sums[spent.agent.pk] = (tokens + spent.use.tokens, cost + (row.cost_usd or 0))
    for pk in sorted(sums):
        tokens, cost = sums[pk]
        Agent.objects.filter(pk=pk).update(tokens=F("tokens") + tokens, cost_usd=F("cost_usd") + cost)


def _tell(new: Sequence[tuple[Spent, Metered]], actor: Actor, now: datetime) -> None:
    """One entry for each agent whose use belongs to no mission."""
    agents = {spent.agent.pk if spent.agent else 0: spent.agent for spent, _ in new}
    for pk in sorted(agents):
        agent = agents[pk]
        mine = [(spent, row) for spent, row in new if (spent.agent.pk if spent.agent else 0) == pk]
        known = [row.cost_usd for _, row in mine if row.cost_usd is not None]
        told = UsageRecorded(
            agent=agent.ref if agent else None,
            reports=len(mine),
            tokens=sum(spent.use.tokens for spent, _ in mine),
            cost_usd=sum(known, Decimal(0)) if known else None,
        )
        ledger.record(told, actor=actor, at=now)
