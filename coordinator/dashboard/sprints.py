"""Sprints and their burn-down: from the tasks that point at a sprint, and when they ended."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate

from coordinator.dashboard import lens, missions, rows
from coordinator.dashboard.charts import curves
from missions.lifecycle import TaskStatus
from missions.models import Task
from sprints.models import Sprint

SHOWN = 40


def index(today: date) -> Mapping[str, Any]:
    """The sprints, the latest first, each with its tasks' bar; 2 statements."""
    found = list(Sprint.objects.order_by("-start_date", "-pk")[:SHOWN])
    counts: dict[int, dict[str, int]] = {}
    grouped = Task.objects.filter(sprint__in=found).values_list("sprint_id", "status").annotate(Count("pk")).order_by()
    for sprint_id, status, count in grouped:
        counts.setdefault(sprint_id or 0, {})[status] = count
    return {"sprints": [_row(sprint, counts.get(sprint.pk, {}), today) for sprint in found]}


def _row(sprint: Sprint, counts: dict[str, int], today: date) -> dict[str, Any]:
    return {
        "sprint": sprint,
        "bar": rows.stack(counts),
        "total": sum(counts.values()),
        "done": counts.get(TaskStatus.COMPLETED, 0),
        "left": lens.days_left(sprint, today) if sprint.status == "active" else "",
        "stamp": f"{sprint.version}-{'.'.join(map(str, sorted(counts.items())))}",
    }


def headline(key: str, today: date) -> Mapping[str, Any]:
    """The sprint with its tasks' counts; 2 statements."""
    sprint = Sprint.objects.identified(key)
    counts = dict(Task.objects.filter(sprint=sprint).values_list("status").annotate(Count("pk")).order_by())
    return _row(sprint, counts, today)


def burndown(sprint: Sprint, today: date) -> Mapping[str, Any]:
    """Open tasks at the end of each day, against the straight line to zero; 2 statements."""
    mine = Task.objects.filter(sprint=sprint)
    total = mine.count()
    ended = dict(
        mine.filter(status=TaskStatus.COMPLETED, ended_at__isnull=False)
        .annotate(day=TruncDate("ended_at"))
        .values_list("day")
        .annotate(Count("pk"))
        .order_by()
    )
    length = (sprint.end_date - sprint.start_date).days + 1
    days = [sprint.start_date + timedelta(days=place) for place in range(min(length, 120))]
    left = [None if day > today else total - sum(n for at, n in ended.items() if at <= day) for day in days]
    return {
        "burndown": curves.burndown(days, left, total) if total else "",
        "table": list(zip(days, left, strict=True)),
    }


def tasks(sprint_id: int) -> Mapping[str, Any]:
    """Its tasks, open ones first; 1 statement."""
    found = (
        Task.objects.filter(sprint_id=sprint_id)
        .select_related("agent", "mission")
        .order_by("ended_at", "-priority", "pk")
    )
    return {"tasks": [{**missions.card(task), "mission": task.mission} for task in found[:200]]}
