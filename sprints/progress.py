"""Burn-down and velocity, read from what the ledger, archived or not, tells of the tasks that were in a sprint.

A task points at its sprint, so sprints know no tasks. What was in a sprint at a moment, and what of it was done, is
folded from the tasks' own entries: a task that was moved out later still counts on the days that it was in.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q

from sprints.models import Sprint
from traceability import archiving
from traceability.archive_files import Line
from traceability.models import Entry

BIRTH = "task.created"
REVISION = "task.updated"
MOVE = "task.moved"
DONE = "completed"
"""How the ledger tells of tasks; a test pins these words to the room above that tells them."""

AVERAGED = 3
"""How many sprints the average looks back on."""


@dataclass
class Trail:
    """One task's way: from each moment on, in which sprint it was and whether it was done."""

    moments: list[datetime] = field(default_factory=list)
    states: list[tuple[int | None, bool]] = field(default_factory=list)

    def then(self, entry: Entry) -> None:
        sprint, done = self.states[-1] if self.states else (None, False)
        if entry.kind == MOVE:
            done = entry.data["after"] == DONE
        else:
            fields = entry.data["fields"]
            sprint = _id_of(fields["sprint"]) if "sprint" in fields else sprint
            done = fields["status"] == DONE if "status" in fields else done
        self.moments.append(entry.occurred_at)
        self.states.append((sprint, done))

    def at(self, moment: datetime) -> tuple[int | None, bool]:
        known = bisect_right(self.moments, moment)
        return self.states[known - 1] if known else (None, False)


@dataclass(frozen=True)
class Count:
    """How many tasks were in a sprint at a moment, and how many of them were done."""

    scope: int
    completed: int

    @property
    def remaining(self) -> int:
        return self.scope - self.completed


@dataclass(frozen=True)
class Day:
    """The end of one day; without a count when the day is yet to come."""

    date: date
    ideal: float
    count: Count | None


@dataclass(frozen=True)
class BurnDown:
    """`committed` is the count at the start (now, while the sprint is planned); `latest` now, or at the close."""

    sprint: Sprint
    committed: Count
    latest: Count
    days: tuple[Day, ...]


@dataclass(frozen=True)
class Pace:
    """What a completed sprint took on and what it finished."""

    sprint: Sprint
    committed: int
    scope: int
    completed: int


@dataclass(frozen=True)
class Velocity:
    """Completed sprints, the oldest first, and the mean of the last few: None while no sprint was completed."""

    paces: tuple[Pace, ...]
    average: float | None


def burn_down(sprint: Sprint, now: datetime) -> BurnDown:
    """The sprint day by day (UTC), in three statements and one for each archived mission that had tasks in it."""
    trails = _trails([sprint])
    end = sprint.completed_at or now
    committed = _count(trails, sprint, sprint.started_at or now)
    return BurnDown(sprint, committed, _count(trails, sprint, end), tuple(_days(sprint, trails, committed.scope, end)))


def velocity(sprints: Iterable[Sprint]) -> Velocity:
    """The pace of completed sprints, given in any order, in three statements and one for each archived mission."""
    closed = sorted(sprints, key=lambda each: (_closed_at(each), each.pk))
    trails = _trails(closed)
    paces = tuple(_pace(sprint, trails) for sprint in closed)
    recent = [pace.completed for pace in paces[-AVERAGED:]]
    return Velocity(paces, round(sum(recent) / len(recent), 2) if recent else None)


def _pace(sprint: Sprint, trails: Sequence[Trail]) -> Pace:
    end = _count(trails, sprint, _closed_at(sprint))
    began = _count(trails, sprint, sprint.started_at or _closed_at(sprint))
    return Pace(sprint, committed=began.scope, scope=end.scope, completed=end.completed)


def _closed_at(sprint: Sprint) -> datetime:
    assert sprint.completed_at is not None
    return sprint.completed_at


def _days(sprint: Sprint, trails: Sequence[Trail], committed: int, end: datetime) -> Iterable[Day]:
    for number in range(sprint.days):
        day = sprint.start_date + timedelta(days=number)
        begins = datetime.combine(day, time.min, UTC)
        ideal = round(committed * (1 - (number + 1) / sprint.days), 2)
        moment = min(begins + timedelta(days=1, microseconds=-1), end)
        yield Day(day, ideal, _count(trails, sprint, moment) if begins <= end else None)


def _count(trails: Sequence[Trail], sprint: Sprint, moment: datetime) -> Count:
    states = [done for within, done in (trail.at(moment) for trail in trails) if within == sprint.pk]
    return Count(len(states), sum(states))


def _trails(sprints: Sequence[Sprint]) -> list[Trail]:
    """The ways of all tasks that were ever in one of these sprints."""
    names = [f'"sprint":{{"id":{sprint.pk},' for sprint in sprints]
    if not names:
        return []
    moved = _archived([sprint.pk for sprint in sprints])
    tasks = {line["task_id"] for line in moved if any(name in line["canonical"] for name in names)}
    told = reduce(or_, (Q(canonical__contains=name) for name in names))
    tasks |= set(Entry.objects.filter(told, kind__in=[BIRTH, REVISION]).values_list("task_id", flat=True))
    in_table = Entry.objects.filter(task_id__in=tasks, kind__in=[BIRTH, REVISION, MOVE]).order_by("stream", "seq")
    trails: dict[int | None, Trail] = {}
    for entry in (*(archiving.entry(line) for line in moved if line["task_id"] in tasks), *in_table):
        trails.setdefault(entry.task_id, Trail()).then(entry)
    return list(trails.values())


def _archived(sprint_ids: Sequence[int]) -> list[Line]:
    """What archived streams that name one of these sprints tell of tasks."""
    streams = sorted(archiving.streams_naming("sprint", sprint_ids))
    return [line for stream in streams for line in archiving.lines(stream) if line["kind"] in {BIRTH, REVISION, MOVE}]


def _id_of(named: dict[str, int] | None) -> int | None:
    return None if named is None else named["id"]
