"""Sprints and their burn-down, as the ledger tells them through `sprints.progress`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, F

from coordinator.dashboard import lens, missions, rows
from coordinator.dashboard.charts import curves
from missions.lifecycle import TaskStatus
from missions.models import Task
from sprints import progress
from sprints.models import Sprint, SprintStatus
from sprints.progress import AVERAGED, BurnDown, Pace

SHOWN = 40
DAY = timedelta(days=1)


def index(today: date) -> Mapping[str, Any]:
    """The sprints, the latest first, each with its tasks' bar, and the pace of the completed ones; 4 statements."""
    found = list(Sprint.objects.order_by("-start_date", "-pk")[:SHOWN])
    counts: dict[int, dict[str, int]] = {}
    grouped = Task.objects.filter(sprint__in=found).values_list("sprint_id", "status").annotate(Count("pk")).order_by()
    for sprint_id, status, count in grouped:
        counts.setdefault(sprint_id or 0, {})[status] = count
    pace = progress.velocity(sprint for sprint in found if sprint.status == SprintStatus.COMPLETED)
    paces = {each.sprint.pk: each for each in pace.paces}
    listed = [_paced(_row(sprint, counts.get(sprint.pk, {}), today), paces.get(sprint.pk)) for sprint in found]
    return {"sprints": listed, "average": pace.average, "averaged": min(AVERAGED, len(paces))}


def _row(sprint: Sprint, counts: dict[str, int], today: date) -> dict[str, Any]:
    return {
        "sprint": sprint,
        "bar": rows.stack(counts),
        "done": counts.get(TaskStatus.COMPLETED, 0),
        "total": sum(counts.values()),
        "left": lens.days_left(sprint, today) if sprint.status == SprintStatus.ACTIVE else "",
        "stamp": f"{sprint.version}-{'.'.join(map(str, sorted(counts.items())))}",
    }


def _paced(row: dict[str, Any], pace: Pace | None) -> dict[str, Any]:
    """A completed sprint's figures are those of its close, whatever became of its tasks later."""
    return {**row, "done": pace.completed, "total": pace.scope} if pace else row


def headline(key: str, today: date) -> Mapping[str, Any]:
    """The sprint with its tasks' bar; 2 statements."""
    sprint = Sprint.objects.identified(key)
    counts = dict(Task.objects.filter(sprint=sprint).values_list("status").annotate(Count("pk")).order_by())
    return _row(sprint, counts, today)


def burndown(sprint: Sprint, now: datetime) -> Mapping[str, Any]:
    """Open tasks from the count at the start on, against the straight line to zero, with the figures; 2 statements."""
    told = progress.burn_down(sprint, now)
    return {
        "burndown": curves.burndown([day.date for day in told.days], curve(told, now)) if told.latest.scope else "",
        "committed": told.committed,
        "latest": told.latest,
        "added": told.latest.scope - told.committed.scope,
        "table": [day for day in told.days if day.count],
    }


def curve(told: BurnDown, now: datetime) -> list[tuple[float, int]]:
    """(Days since the start, open tasks): the start, the end of each day that is over, and now or the close."""
    sprint = told.sprint
    begins = datetime.combine(sprint.start_date, time.min, UTC)
    until = min(max(((sprint.completed_at or now) - begins) / DAY, 0), len(told.days))
    ends = [(float(number), day.count.remaining) for number, day in enumerate(told.days, 1) if day.count]
    return [
        (0.0, told.committed.remaining),
        *((at, left) for at, left in ends if at < until),
        (until, told.latest.remaining),
    ]


def tasks(sprint_id: int) -> Mapping[str, Any]:
    """Its tasks, open ones first; 1 statement."""
    found = Task.objects.filter(sprint_id=sprint_id).select_related("agent", "mission")
    listed = found.order_by(F("ended_at").desc(nulls_first=True), "-priority", "pk")[:200]
    return {"tasks": [{**missions.card(task), "mission": task.mission} for task in listed]}
