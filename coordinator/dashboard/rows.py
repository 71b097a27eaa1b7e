"""Rows that more than one page shows: missions with their progress, tasks as cards, titles for ledger entries."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Count

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


def missions(found: MissionQuerySet) -> list[dict[str, Any]]:
    """Each with the bar of its tasks; 2 statements."""
    listed = list(found.select_related("owner", "process"))
    counts = counted([mission.pk for mission in listed])
    return [_mission(mission, counts.get(mission.pk, {})) for mission in listed]


def counted(mission_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many tasks of each mission stand where; 1 statement."""
    found: dict[int, dict[str, int]] = {}
    grouped = Task.objects.filter(mission_id__in=mission_ids).values_list("mission_id", "status").annotate(Count("pk"))
    for mission_id, status, count in grouped.order_by():
        found.setdefault(mission_id, {})[status] = count
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


def _mission(mission: Mission, counts: dict[str, int]) -> dict[str, Any]:
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
        "over": bool(mission.budget_usd) and mission.cost_usd >= mission.budget_usd * 8 / 10,
        "deadline": mission.deadline,
        "process": mission.process.state,
        "updated": mission.updated_at,
        "stamp": f"{mission.version}-{mission.cost_usd}-{'.'.join(map(str, sorted(counts.items())))}",
    }


def objectives(task_ids: Collection[int]) -> dict[int, str]:
    """What each task is to reach; 1 statement, none without tasks."""
    return dict(Task.objects.filter(pk__in=task_ids).values_list("pk", "objective")) if task_ids else {}


def titled(entries: Iterable[Entry]) -> tuple[list[Entry], dict[int, str]]:
    """The entries and the objectives of the tasks that they tell of; 1 statement."""
    found = list(entries)
    return found, objectives({entry.task_id for entry in found if entry.task_id})
