"""What follows from a standing: counts, progress, burn rate, forecasts and chains, with their odd cases."""

import math
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.lifecycle import TaskStatus
from missions.replaying.state import Told
from missions.standing import figures
from missions.standing.figures import Chain, Forecast
from missions.standing.folding import fold
from missions.standing.state import FINISHED_KEPT, Standing, Work
from tests.standing.stories import stories

NOW = 1_764_000_000.0
HOUR, DAY = 3600.0, 86400.0
DOLLAR = 1_000_000
DONE, OPEN = TaskStatus.COMPLETED.value, TaskStatus.IN_PROGRESS.value
BLOCKED, FAILED, PENDING = TaskStatus.BLOCKED.value, TaskStatus.FAILED.value, TaskStatus.PENDING.value


def work(key: str, status: str = PENDING, *needs: str) -> Work:
    return Work(key=key, status=status, since=NOW, heard=NOW, needs=needs)


def standing(*works: Work, **fields: Any) -> Standing:
    return Standing(tasks={number: each for number, each in enumerate(works, 1)}, **fields)


def test_counts_leave_out_what_no_task_is() -> None:
    mission = standing(work("a", DONE), work("b", DONE), work("c", OPEN))
    assert figures.counts(mission) == {DONE: 2, OPEN: 1}
    assert figures.counts(Standing()) == {}


@pytest.mark.parametrize(
    ("statuses", "share"),
    [([], 0.0), ([PENDING], 0.0), ([DONE], 1.0), ([DONE, OPEN, OPEN], 0.3333), ([DONE, DONE, FAILED], 0.6667)],
)
def test_progress_is_the_share_of_completed_tasks(statuses: list[str], share: float) -> None:
    mission = standing(*(work(f"t-{number}", status) for number, status in enumerate(statuses)))
    assert figures.progress(mission) == share


@pytest.mark.parametrize(
    ("spent", "rate"),
    [
        ({}, 0),
        ({0: 6}, 6),
        ({-1: 6}, 4),
        ({-5: 6}, 6 / 5.5),
        ({-6: 6}, 0),
        ({-100: 60}, 0),
        ({-100: 60, -2: 3}, 0.5),
        ({-2: 6, -1: 6, 0: 6}, 18 / 2.5),
        ({1: 6}, 6),
    ],
)
def test_burn_is_the_cost_an_hour_over_the_last_six_hours(spent: dict[int, float], rate: float) -> None:
    """`spent` is in hours from this one, which is half over, and dollars."""
    hour = int(NOW // HOUR)
    mission = standing(spent={hour + ago: int(cost * DOLLAR) for ago, cost in spent.items()})
    assert figures.burn(mission, hour * HOUR + HOUR / 2) == pytest.approx(rate * DOLLAR)


def finished(count: int, *, left: int, began: float | None, every: float = HOUR) -> Standing:
    """So many tasks completed one after another until now, and so many left."""
    times = [NOW - every * (count - 1 - number) for number in range(count)]
    works = [work(f"d-{number}", DONE) for number in range(count)] + [work(f"o-{number}") for number in range(left)]
    return standing(*works, finished=times[-FINISHED_KEPT:], started=began)


@pytest.mark.parametrize(
    "mission",
    [
        Standing(),
        finished(2, left=5, began=NOW - 2 * HOUR),
        finished(3, left=0, began=NOW - 3 * HOUR),
        finished(3, left=5, began=None, every=0.0),
        finished(3, left=5, began=NOW),
        finished(3, left=5, began=NOW + DAY),
    ],
    ids=["no task", "too few finished", "nothing left", "no time passed", "just started", "started in the future"],
)
def test_there_is_no_forecast_without_a_pace(mission: Standing) -> None:
    assert figures.forecast(mission, NOW) is None


@pytest.mark.parametrize(
    ("count", "began", "each"),
    [(3, NOW - 3 * HOUR, HOUR), (4, NOW - DAY, DAY / 4), (3, None, HOUR), (FINISHED_KEPT, NOW - 90 * DAY, HOUR),
     (FINISHED_KEPT + 9, NOW - 90 * DAY, HOUR)],
)  # fmt: skip
def test_a_forecast_goes_on_at_the_pace_of_the_last_completions(count: int, began: float | None, each: float) -> None:
    """Of a long mission only the last completions count, so that its first months do not."""
    found = figures.forecast(finished(count, left=6, began=began), NOW)
    assert found is not None
    assert found.expected == pytest.approx(NOW + 6 * each)
    assert found.per_day == pytest.approx(DAY / each)
    assert found.late > found.expected


def test_a_forecast_moves_on_while_nothing_is_completed_and_says_less_with_fewer_completions() -> None:
    mission = finished(4, left=6, began=NOW - 4 * HOUR)
    now, later = _forecast(mission, NOW), _forecast(mission, NOW + DAY)
    assert later.expected - now.expected > DAY
    few = _forecast(finished(3, left=6, began=NOW - 3 * HOUR), NOW)
    assert few.late - few.expected > now.late - now.expected


def _forecast(mission: Standing, now: float) -> Forecast:
    found = figures.forecast(mission, now)
    assert found is not None
    return found


def held_up(mission: Standing) -> dict[str, int]:
    return {each.work.key: each.holds_up for each in figures.chains(mission)}


@pytest.mark.parametrize(
    ("works", "chains"),
    [
        ([], {}),
        ([work("a", BLOCKED)], {}),
        ([work("a", BLOCKED), work("b", PENDING, "a")], {"a": 1}),
        ([work("a", BLOCKED), work("b", DONE, "a")], {}),
        ([work("a", BLOCKED), work("b", PENDING, "a"), work("c", PENDING, "b")], {"a": 2}),
        ([work("a", BLOCKED), work("b", PENDING, "a"), work("c", PENDING, "a", "b")], {"a": 2}),
        ([work("a", BLOCKED), work("b", FAILED, "a"), work("c", PENDING, "b")], {"a": 2, "b": 1}),
        ([work("a", FAILED), work("b", PENDING, "a", "elsewhere")], {"a": 1}),
        ([work("a", BLOCKED, "c"), work("b", PENDING, "a"), work("c", PENDING, "b")], {"a": 3}),
        ([work("a", BLOCKED, "a"), work("b", PENDING, "a")], {"a": 2}),
        ([work("a", OPEN), work("b", PENDING, "a")], {}),
    ],
    ids=[
        "no task", "nobody waits", "one waits", "who is done waits for nothing", "through another", "counted once",
        "two in a row", "a need of another mission", "a cycle", "it waits for itself", "it is not stuck",
    ],
)  # fmt: skip
def test_a_chain_is_a_stuck_task_and_how_many_wait_for_it(works: list[Work], chains: dict[str, int]) -> None:
    assert held_up(standing(*works)) == chains


def test_the_chain_that_holds_up_most_comes_first() -> None:
    works = [work("a", BLOCKED), work("b", FAILED), work("c", PENDING, "b"), work("d", PENDING, "c", "a")]
    mission = standing(*works)
    assert list(figures.chains(mission)) == [Chain(2, works[1], 2), Chain(1, works[0], 1)]


MANY = range(1, 10_000)
LARGE = {
    "all stuck in a row": [work("0", BLOCKED)] + [work(str(n), BLOCKED, str(n - 1)) for n in MANY],
    "all stuck, told the other way round": [work(str(n), BLOCKED, str(n + 1)) for n in MANY],
    "a cycle": [work(str(n), BLOCKED, str(n % len(MANY) + 1)) for n in MANY],
    "many before one before many": [
        *(work(f"f-{n}", FAILED) for n in range(500)),
        work("0", PENDING, *(f"f-{n}" for n in range(500))),
        *(work(str(n), PENDING, "0") for n in MANY),
    ],
}


@pytest.mark.parametrize("works", LARGE.values(), ids=LARGE)
def test_chains_of_a_large_mission_are_counted_in_little_time_and_as_far_as_the_bound(works: list[Work]) -> None:
    began = time.process_time()
    found = figures.chains(standing(*works))
    assert time.process_time() - began < 2
    assert len(found) == figures.CHAINS_TOLD
    assert figures.STUCK_LOOKED_AT <= found[0].holds_up <= figures.LOOKED_AT + figures.STUCK_LOOKED_AT
    assert found[0].cut == (found[0].holds_up > figures.STUCK_LOOKED_AT)


def test_a_large_chain_below_the_bound_is_counted_to_the_last_task() -> None:
    works = [work("0", BLOCKED)] + [work(str(n), BLOCKED, str(n - 1)) for n in range(1, 3000)]
    assert [each.holds_up for each in figures.chains(standing(*works))] == list(range(2999, 2799, -1))
    assert not any(each.cut for each in figures.chains(standing(*works)))


def test_each_task_of_two_cycles_that_touch_holds_up_all() -> None:
    works = [work("a", BLOCKED, "b", "d"), work("b", BLOCKED, "c"), work("c", BLOCKED, "a"), work("d", BLOCKED, "a")]
    assert held_up(standing(*works)) == dict.fromkeys("abcd", 4)


@given(stories(), st.floats(-40 * DAY, 40 * DAY))
def test_figures_are_plain_numbers_whatever_happened_and_whenever_they_are_asked_for(
    story: list[Told], after: float
) -> None:
    mission = fold(story)
    now = mission.at + after
    found = figures.shown(mission, now)
    assert orjson.loads(orjson.dumps(found)) == found
    assert sum(figures.counts(mission).values()) == len(mission.tasks)
    assert 0 <= figures.progress(mission) <= 1
    assert 0 <= figures.burn(mission, now) < math.inf
    if ahead := figures.forecast(mission, now):
        assert now < ahead.expected < ahead.late
        assert ahead.per_day > 0
    stuck = {work.key for work in mission.tasks.values() if work.status in (BLOCKED, FAILED)}
    assert {each.work.key for each in figures.chains(mission)} <= stuck
    assert all(1 <= each.holds_up <= len(mission.tasks) for each in figures.chains(mission))
