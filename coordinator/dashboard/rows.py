"""Rows that more than one page shows: missions with their progress, tasks as cards, titles for ledger entries."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.db.models import CharField, Count, Max, OuterRef, Subquery, Value, Window
from django.db.models.functions import Cast, Concat

from agents.models import Agent
from coordinator.dashboard import stories
from coordinator.dashboard.charts import bars
from coordinator.dashboard.charts.bars import Part
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, MissionStanding, Task
from missions.models.mission import MissionQuerySet
from traceability.models import Entry, StreamHead

PARTS = (
    ("done", (TaskStatus.COMPLETED,), "completed"),
    ("review", (TaskStatus.PENDING_REVIEW,), "in review"),
    ("working", (TaskStatus.IN_PROGRESS,), "in progress"),
    ("blocked", (TaskStatus.BLOCKED, TaskStatus.FAILED, TaskStatus.REJECTED), "blocked, failed or sent back"),
    ("idle", (TaskStatus.PENDING,), "pending"),
)
"""The stacked bar: tone, statuses, words; always in this order."""


HEAD = Subquery(
    StreamHead.objects.filter(stream=Concat(Value("mission:"), Cast(OuterRef("pk"), CharField()))).values("seq")[:1]
)
"""How many entries the mission's stream has: its standing is of today when it has folded as many."""


@dataclass(frozen=True)
class Figures:
    """How a mission stands: its tasks by status and when one was last changed, and what only its process knows."""

    counts: dict[str, int]
    changed: datetime | None = None
    burn: float | None = None
    finish: datetime | None = None
    finish_late: datetime | None = None

    @classmethod
    def of(cls, standing: MissionStanding) -> Self:
        known = standing.figures
        return cls(
            counts=standing.counts,
            changed=_moment(known.get("changed_at")) or standing.at,
            burn=known.get("burn_usd_per_hour") or None,
            finish=_moment(known.get("finish_at")),
            finish_late=_moment(known.get("finish_late_at")),
        )


def missions(found: MissionQuerySet, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The first `limit` of them, each with the bar of its tasks, and how many there are; 1 statement, and another for
    those whose process has not kept how they stand now.
    """
    related = found.annotate(of=Window(Count("pk")), head=HEAD).select_related("owner", "process", "standing")
    listed: list[Any] = list(related[:limit])
    known = figures_of(listed)
    return [_mission(each, known[each.pk]) for each in listed], listed[0].of if listed else 0


def figures_of(listed: Collection[Any]) -> dict[int, Figures]:
    """How these missions stand, by row id; they have `head` (see `HEAD`) and their standing loaded.

    Those whose standing is behind its stream are counted, with 1 statement; without any there is none.
    """
    standings = {each.pk: getattr(each, "standing", None) for each in listed}
    heads = {each.pk: each.head for each in listed}
    fresh = {pk: Figures.of(kept) for pk, kept in standings.items() if kept and kept.seq == heads[pk]}
    missing = standings.keys() - fresh.keys()
    grouped = _grouped(missing) if missing else {}
    return fresh | {pk: Figures(*grouped.get(pk, ({}, None))) for pk in missing}


def counted(mission_id: int) -> dict[str, int]:
    """How many tasks of a mission stand where; 1 statement."""
    return _grouped([mission_id]).get(mission_id, ({}, None))[0]


def _grouped(mission_ids: Collection[int]) -> dict[int, tuple[dict[str, int], datetime | None]]:
    """How many tasks of each mission stand where, and when one of them was last changed; 1 statement."""
    found: dict[int, tuple[dict[str, int], datetime | None]] = {}
    tasks = Task.objects.filter(mission_id__in=mission_ids).values_list("mission_id", "status").order_by()
    for mission_id, status, count, changed in tasks.annotate(Count("pk"), Max("updated_at")):
        counts, latest = found.get(mission_id, ({}, None))
        found[mission_id] = ({**counts, status: count}, max(latest or changed, changed))
    return found


def stack(counts: dict[str, int]) -> Any:
    """The counts by status as the stacked bar."""
    return bars.stack(
        [Part(tone, sum(counts.get(each, 0) for each in statuses), word) for tone, statuses, word in PARTS]
    )


def share_done(counts: dict[str, int]) -> float | None:
    """The share that is completed, 0 to 1; None when there is nothing to do."""
    total = sum(counts.values())
    return counts.get(TaskStatus.COMPLETED, 0) / total if total else None


def _mission(mission: Mission, figures: Figures) -> dict[str, Any]:
    counts = figures.counts
    return {
        "id": mission.pk,
        "key": mission.key,
        "goal": mission.goal,
        "status": mission.status,
        "owner": mission.owner.shown_name if mission.owner else "",
        "bar": stack(counts),
        "counts": counts,
        "total": sum(counts.values()),
        "stuck": sum(counts.get(each, 0) for each in (TaskStatus.BLOCKED, TaskStatus.FAILED)),
        "progress": share_done(counts),
        "cost": mission.cost_usd,
        "budget": mission.budget_usd,
        "over": is_near(mission.cost_usd, mission.budget_usd),
        "deadline": mission.deadline,
        "process": mission.process.state,
        "updated": max(mission.updated_at, figures.changed) if figures.changed else mission.updated_at,
        "stamp": f"{mission.version}-{mission.cost_usd}-{'.'.join(map(str, sorted(counts.items())))}",
        **pace(mission, figures),
    }


def pace(mission: Mission, figures: Figures) -> dict[str, Any]:
    """What an active mission spends an hour, when it will be finished, and whether that is after its deadline."""
    going = mission.status == MissionStatus.ACTIVE
    late = bool(figures.finish and mission.deadline and figures.finish > mission.deadline)
    return {
        "burn": figures.burn if going else None,
        "finish": figures.finish if going else None,
        "finish_late": figures.finish_late if going else None,
        "misses": going and late,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def is_near(cost: Decimal, budget: Decimal | None) -> bool:
    """Whether four fifths of a budget are spent."""
    return bool(budget) and cost * 10 >= (budget or 0) * 8


def objectives(task_ids: Collection[int]) -> dict[int, str]:
    """What each task is to reach; 1 statement, none without tasks."""
    return dict(Task.objects.filter(pk__in=task_ids).values_list("pk", "objective")) if task_ids else {}


def titled(entries: Iterable[Entry]) -> tuple[list[Entry], dict[tuple[str, int], str]]:
    """The entries and what the tasks and missions are called that they tell of; at most 3 statements more."""
    found = list(entries)
    owners = {owner for entry in found if (owner := stories.owner_of(entry))}
    tasks = objectives({entry.task_id for entry in found if entry.task_id})
    named = {entry.mission_id for entry in found if entry.mission_id and not entry.task_id}
    goals = _goals(named | {pk for noun, pk in owners if noun == "mission"})
    agents = _agents({pk for noun, pk in owners if noun == "agent"})
    by_noun = {"task": tasks, "mission": goals, "agent": agents}
    return found, {(noun, pk): text for noun, texts in by_noun.items() for pk, text in texts.items()}


def _agents(agent_ids: Collection[int]) -> dict[int, str]:
    return dict(Agent.objects.filter(pk__in=agent_ids).values_list("pk", "name")) if agent_ids else {}


def _goals(mission_ids: Collection[int]) -> dict[int, str]:
    return dict(Mission.objects.filter(pk__in=mission_ids).values_list("pk", "goal")) if mission_ids else {}
