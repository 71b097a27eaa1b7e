"""A mission's timeline from its ledger: who did what from when to when, and what it had cost by then."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncMinute

from agents.models import Agent, Usage
from coordinator.dashboard import rows
from coordinator.dashboard.charts.lanes import Bar, Gem, Lane
from coordinator.lib.chips import look
from missions import archiving
from missions.lifecycle import TaskStatus
from missions.models import Mission
from traceability.models import Entry

MOST_MOVES = 3000
MOST_LANES = 40
POINTS = 200
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
DRAWN = {TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED, TaskStatus.PENDING_REVIEW}
"""States that are drawn as bars; an end is a diamond, waiting for work is nothing."""

GEMS = {TaskStatus.COMPLETED: "done", TaskStatus.FAILED: "failed", TaskStatus.REJECTED: "failed"}


@dataclass
class Run:
    """What a task is doing while the entries are read."""

    status: str
    since: datetime
    agent: int | None


@dataclass
class Reading:
    bars: dict[int | None, list[Bar]] = field(default_factory=dict)
    gems: dict[int | None, list[Gem]] = field(default_factory=dict)


def start_of(mission: Mission, window: str, now: datetime) -> datetime:
    """Where the picture begins: the chosen span before now, but never before the mission itself."""
    born = min(mission.started_at or mission.created_at, now - timedelta(minutes=10))
    return max(born, now - SPANS[window]) if window in SPANS else born


def lanes_of(mission: Mission, start: datetime, now: datetime) -> list[Lane]:
    """One lane for each agent that moved a task since `start`, by name; 3 statements."""
    moves = archiving.entries_of(mission).filter(kind="task.moved").order_by("-pk")[:MOST_MOVES]
    told = sorted(moves, key=lambda entry: (entry.occurred_at, entry.pk))
    titles = rows.objectives({entry.task_id for entry in told if entry.task_id})
    read = _read(told, titles, start, now)
    agents = read.bars.keys() | read.gems.keys()
    names = dict(Agent.objects.filter(pk__in=[pk for pk in agents if pk]).values_list("pk", "name"))
    found = [
        Lane(names.get(pk or 0, "No agent"), tuple(read.bars.get(pk, ())), tuple(read.gems.get(pk, ())))
        for pk in agents
    ]
    return sorted(found, key=lambda lane: lane.name)[:MOST_LANES]


def begun(lanes: list[Lane], start: datetime) -> datetime:
    """When the first thing of the picture happened, so that it does not begin with nothing."""
    return min((bar.start for lane in lanes for bar in lane.bars), default=start)


def _read(told: Iterable[Entry], titles: dict[int, str], start: datetime, now: datetime) -> Reading:
    runs: dict[int, Run] = {}
    read = Reading()
    for entry in told:
        task, after = entry.task_id or 0, str(entry.data["after"])
        before = runs.get(task)
        agent = entry.agent_id or (before.agent if before else None)
        if before:
            _draw(read, before, entry.occurred_at, titles.get(task, ""), start)
        runs[task] = Run(after, entry.occurred_at, agent)
        if after in GEMS and entry.occurred_at >= start:
            label = f"{look(after).word}: {titles.get(task, '')}"
            read.gems.setdefault(agent, []).append(Gem(GEMS[TaskStatus(after)], entry.occurred_at, label))
    for task, run in runs.items():
        _draw(read, run, now, titles.get(task, ""), start)
    return read


def _draw(read: Reading, run: Run, until: datetime, title: str, start: datetime) -> None:
    if run.status in DRAWN and until > start:
        read.bars.setdefault(run.agent, []).append(Bar(look(run.status).tone, max(run.since, start), until, title))


def cost_curve(mission_id: int, start: datetime, now: datetime) -> list[tuple[datetime, Decimal]]:
    """What the mission had cost by each moment of the window, in at most `POINTS` points; 2 statements."""
    used = Usage.objects.filter(mission_id=mission_id, cost_usd__isnull=False)
    before = used.filter(at__lt=start).aggregate(sum=Sum("cost_usd"))["sum"] or Decimal(0)
    minutes: list[Any] = list(
        used.filter(at__gte=start, at__lte=now)
        .annotate(minute=TruncMinute("at"))
        .values_list("minute")
        .annotate(Sum("cost_usd"))
        .order_by("minute")
    )
    points, total = [(start, before)], before
    for minute, spent in minutes:
        total += spent
        points.append((max(minute, start), total))
    points.append((now, total))
    step = max(1, len(points) // POINTS)
    return [*points[:-1:step], points[-1]] if total else []
