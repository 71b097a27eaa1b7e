"""Pictures: names stand apart, curves begin where the work began."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from coordinator.dashboard import sprints
from coordinator.dashboard.charts import curves
from sprints.models import Sprint
from sprints.progress import BurnDown, Count, Day

FIRST = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 12, tzinfo=UTC)


def heights(picture: str) -> list[float]:
    """Where the names at the curves' ends stand, the upper one first."""
    return [float(y) for y in re.findall(r'class="strong" x="[^"]+" y="([^"]+)"', picture)]


@pytest.mark.parametrize(("scope", "done"), [(26, 23), (26, 26), (26, 0), (1, 1), (161, 65)])
def test_the_names_of_two_curves_never_collide(scope: int, done: int) -> None:
    upper, lower = heights(curves.burnup([FIRST], [scope], [done]))
    assert lower - upper >= curves.APART
    assert upper >= 0
    assert lower <= curves.BOTTOM + 5


def told(now: datetime, left: list[int]) -> BurnDown:
    """A sprint of four days with ten tasks, of which so many are open at the end of each day so far."""
    sprint = Sprint(start_date=FIRST, end_date=FIRST + timedelta(days=3))
    counts = [Count(10, 10 - open_) for open_ in left]
    days = [Day(FIRST + timedelta(days=n), 0, counts[n] if n < len(left) else None) for n in range(4)]
    return BurnDown(sprint, Count(10, 0), counts[-1], tuple(days))


def test_a_burn_down_begins_at_what_was_taken_on_also_on_its_first_day() -> None:
    assert sprints.curve(told(MORNING, [3]), MORNING) == [(0.0, 10), (0.5, 3)]


def test_a_burn_down_ends_now_and_not_with_the_day() -> None:
    now = MORNING + timedelta(days=2)
    assert sprints.curve(told(now, [8, 5, 4]), now) == [(0.0, 10), (1.0, 8), (2.0, 5), (2.5, 4)]


def test_a_burn_down_never_runs_past_the_sprints_last_day() -> None:
    now = MORNING + timedelta(days=30)
    assert sprints.curve(told(now, [8, 5, 4, 2]), now)[-1] == (4.0, 2)
