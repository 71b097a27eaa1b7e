"""Rows that more than one page shows: missions with their progress, tasks as cards, titles for ledger entries."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Window

from agents.models import Agent
from coordinator.dashboard import stories
from coordinator.dashboard.charts import bars
from coordinator.dashboard.charts.bars import Part
from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.models.mission import MissionQuerySet
from traceability.models import Entry

PARTS = (
    ("done", (TaskStatus.COMPLETED,), "completed"),
    ("review", (TaskStatus.PENDING_REVIEW,), "in review"),
    ("working", (TaskStatus.IN_PROGRESS,), "in progress"),
    ("blocked", (TaskStatus.BLOCKED, TaskStatus.FAILED, TaskStatus.REJECTED), "blocked, failed or sent back"),
    ("idle", (TaskStatus.PENDING,), "pending"),
)
"""The stacked bar: tone, statuses, words; always in this order."""


def missions(found: MissionQuerySet, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The first `limit` of them, each with the bar of its tasks, and how many there are; 2 statements."""
    listed: list[Any] = list(found.annotate(of=Window(Count("pk"))).select_related("owner", "process")[:limit])
    grouped = _grouped([mission.pk for mission in listed])
    return [_mission(each, *grouped.get(each.pk, ({}, None))) for each in listed], listed[0].of if listed else 0


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


def _mission(mission: Mission, counts: dict[str, int], latest: datetime | None) -> dict[str, Any]:
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
        "updated": max(mission.updated_at, latest) if latest else mission.updated_at,
        "stamp": f"{mission.version}-{mission.cost_usd}-{'.'.join(map(str, sorted(counts.items())))}",
    }


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
