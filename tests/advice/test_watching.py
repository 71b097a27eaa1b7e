"""Between two looks nothing becomes wrong or right by time alone: a mission need not be looked at until it is due."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from missions.advice import rules
from missions.lifecycle import MissionStatus, TaskStatus
from missions.standing import figures
from missions.standing.state import Fellow, Standing, Work
from tests.advice.standings import DAY, MISSION, NOW

HOURLY = "budget_burn"
"""A burn rate falls steadily while nothing is spent: it is looked at each full hour."""

times = st.integers(-30 * 24 * 60, 0).map(lambda minutes: NOW + minutes * 60.0)
later = st.integers(-5 * 24 * 60, 30 * 24 * 60).map(lambda minutes: NOW + minutes * 60.0)
money = st.integers(0, 20).map(lambda dollars: dollars * 1_000_000)
agents = st.sampled_from(["amber", "birch", None])
keys = st.integers(1, 8).map(lambda number: f"t-{number}")


@st.composite
def works(draw: st.DrawFn, number: int) -> Work:
    since = draw(times)
    return Work(
        key=f"t-{number}",
        status=draw(st.sampled_from(TaskStatus.values)),
        since=since,
        heard=min(NOW, since + draw(st.integers(0, 86_400))),
        agent=draw(agents),
        cost=draw(money),
        budget=draw(st.none() | money),
        due=draw(st.none() | later),
        needs=tuple(each for each in draw(st.sets(keys, max_size=3)) if each != f"t-{number}"),
        requirements=draw(st.integers(0, 1)),
        running=draw(st.booleans()),
        failed=draw(st.sampled_from(["x", "y"])),
        failures=draw(st.integers(0, 4)),
    )


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    finished = sorted(draw(st.lists(times, max_size=50)))
    found: dict[str, Any] = {
        "status": draw(st.sampled_from([*MissionStatus.values, MissionStatus.ACTIVE, MissionStatus.ACTIVE])),
        "deadline": draw(st.none() | later),
        "budget": draw(st.none() | money),
        "cost": draw(money),
        "started": draw(st.none() | times),
        "spent": {
            int(NOW // 3600) - ago: cost for ago, cost in draw(st.dictionaries(st.integers(0, 9), money)).items()
        },
        "agents": {key: Fellow(pk, NOW, "x", draw(st.integers(0, 4))) for pk, key in enumerate(("amber", "birch"))},
        "tasks": {number: draw(works(number)) for number in range(1, draw(st.integers(1, 8)))},
    }
    return Standing(**found, finished=finished)


def wrong(of: Standing, now: float) -> set[str]:
    return {name for name in rules.look(MISSION, of, now).wrong if not name.startswith(HOURLY)}


@given(of=standings(), share=st.floats(0.0, 0.999))
def test_nothing_changes_by_time_alone_before_the_next_look(of: Standing, share: float) -> None:
    at = NOW
    for _ in range(6):
        look = rules.look(MISSION, of, at)
        ahead = (look.next_at or at + 30 * DAY) - at
        assert ahead > 0
        between = at + round(ahead * share, 3) - 0.002
        if between > at:
            assert wrong(of, between) == wrong(of, at)
        if look.next_at is None:
            return
        at = look.next_at


@given(of=standings())
def test_whatever_the_state_each_finding_can_be_told(of: Standing) -> None:
    for name, watch in rules.look(MISSION, of, NOW).wrong.items():
        found = watch.tell()
        assert found.name == name
        assert found.message
        assert len(found.name) <= 200


def test_a_forecast_beyond_the_last_year_can_be_told() -> None:
    done = [Work(f"d-{number}", "completed", NOW, NOW) for number in range(3)]
    todo = [Work(f"o-{number}", "pending", NOW, NOW) for number in range(3000)]
    of = Standing(
        status="active",
        started=NOW - 3650 * DAY,
        finished=[NOW] * 3,
        deadline=NOW + DAY,
        tasks=dict(enumerate([*done, *todo])),
    )
    [watch] = rules.look(MISSION, of, NOW).wrong.values()
    assert "is done by 31 Dec 9999" in watch.tell().message
    assert figures.shown(of, NOW)["finish_at"] == "9999-12-31T00:00:00Z"
