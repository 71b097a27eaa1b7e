"""What follows from a standing at a moment: counts, progress, burn rate, forecasts, chains of blocked work. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from missions.lifecycle import TaskStatus
from missions.standing.state import FINISHED_KEPT, Standing, Work

HOUR = 3600.0
BURN_HOURS = 6
FEWEST_FINISHED = 3
LATE = 1.04
"""How many standard deviations above the expected time five of six outcomes lie (85 percent)."""

LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
STUCK = frozenset({TaskStatus.BLOCKED, TaskStatus.FAILED})
LOOKED_AT = 5_000
"""So many waiting tasks are counted, from those on that wait for what is stuck longest."""

STUCK_LOOKED_AT = 1_000
CHAINS_TOLD = 200
TURNS = 8
"""So often a graph with cycles is gone through at most; few need more than three, one without cycles needs one."""


class Chain(NamedTuple):
    """A stuck task and how many unfinished tasks wait for it, directly or through others: at least so many if `cut`."""

    task_id: int
    work: Work
    holds_up: int
    cut: bool = False


@dataclass(frozen=True)
class Forecast:
    """When all tasks will be finished at the present pace; five of six times by `late`. Seconds since 1970."""

    expected: float
    late: float
    per_day: float


def counts(standing: Standing) -> dict[str, int]:
    """How many tasks stand where; statuses without a task are left out."""
    return dict(Counter(work.status for work in standing.tasks.values()))


def progress(standing: Standing) -> float:
    """The share of the tasks that is completed, 0 to 1."""
    done = sum(work.status == TaskStatus.COMPLETED for work in standing.tasks.values())
    return round(done / len(standing.tasks), 4) if standing.tasks else 0.0


def burn(standing: Standing, now: float) -> float:
    """Cost an hour (millionths of a US dollar) over the last hours in which this mission worked."""
    hour = int(now // HOUR)
    first = min(standing.spent, default=hour)
    hours = min(BURN_HOURS, max(now / HOUR - first, 1.0))
    return sum(cost for at, cost in standing.spent.items() if at > hour - BURN_HOURS) / hours


def forecast(standing: Standing, now: float) -> Forecast | None:
    """From the pace of the last completions; None with fewer than three of them, or with nothing left to do."""
    left = sum(work.status != TaskStatus.COMPLETED for work in standing.tasks.values())
    done = len(standing.finished)
    if done < FEWEST_FINISHED or not left:
        return None
    if done == FINISHED_KEPT or standing.started is None:
        began, done = standing.finished[0], done - 1
    else:
        began = standing.started
    each = (now - began) / done
    if each <= 0:
        return None
    wide = 1 + LATE * (1 / done + 1 / left) ** 0.5
    return Forecast(now + left * each, now + left * each * wide, 24 * HOUR / each)


def chains(standing: Standing) -> list[Chain]:
    """The stuck tasks that others wait for, those that hold up most first; at most `CHAINS_TOLD`."""
    waiting = _waiting(standing.tasks.values())
    stuck = [(pk, work) for pk, work in standing.tasks.items() if work.status in STUCK and work.key in waiting]
    stuck.sort(key=lambda each: (each[1].since, each[0]))
    del stuck[STUCK_LOOKED_AT:]
    order = _downstream_first([work.key for _, work in stuck], waiting)
    held_up, cut = _held_up(order, waiting), len(order) >= LOOKED_AT
    found = (Chain(pk, work, held_up.get(work.key, 0).bit_count(), cut) for pk, work in stuck)
    held = sorted((each for each in found if each.holds_up), key=lambda each: (-each.holds_up, each.task_id))
    return held[:CHAINS_TOLD]


def shown(standing: Standing, now: float) -> dict[str, Any]:
    """The figures in plain values, for rows and pages: money as numbers of US dollars, times as RFC 3339."""
    ahead = forecast(standing, now)
    return {
        "progress": progress(standing),
        "changed_at": _moment(standing.at),
        "cost_usd": standing.cost / 1e6,
        "burn_usd_per_hour": round(burn(standing, now) / 1e6, 6),
        "claims": sum(work.holder is not None for work in standing.tasks.values()),
        "runs": sum(work.running for work in standing.tasks.values()),
        "advisories": len(standing.advisories),
        "blocked": [{"task": each.work.key, "holds_up": each.holds_up} for each in chains(standing)][:20],
        "participants": {name: role for name, role in sorted(standing.participants.items())[:50]},
        "agents": {key: _moment(each.heard) for key, each in sorted(standing.agents.items())[:50]},
        "finish_at": ahead and _moment(ahead.expected),
        "finish_late_at": ahead and _moment(ahead.late),
        "tasks_per_day": ahead and round(ahead.per_day, 2),
    }


def _waiting(tasks: Iterable[Work]) -> dict[str, list[str]]:
    """By a task's key, the unfinished tasks that need it."""
    found: dict[str, list[str]] = defaultdict(list)
    for work in tasks:
        if work.needs and work.status != TaskStatus.COMPLETED:
            for need in work.needs:
                found[need].append(work.key)
    return found


def _downstream_first(keys: Iterable[str], waiting: dict[str, list[str]]) -> list[str]:
    """These keys and all that wait for them, each after those that wait for it, as far as there is no cycle."""
    order: list[str] = []
    seen: set[str] = set()
    path = [("", iter(keys))]
    while path:
        key, others = path[-1]
        fresh = next((each for each in others if each not in seen), None)
        if fresh is None or (key and len(seen) >= LOOKED_AT):
            order.append(key)
            path.pop()
        else:
            seen.add(fresh)
            path.append((fresh, iter(waiting.get(fresh, ()))))
    return order[:-1]


def _held_up(order: list[str], waiting: dict[str, list[str]]) -> dict[str, int]:
    """By key, all that wait for it, a bit for each task: sets would take too long where all are stuck."""
    reached: dict[str, int] = {}
    found: dict[str, int] = {}
    for _ in range(TURNS if _has_cycle(order, waiting) else 1):
        before = dict(reached)
        for place, key in enumerate(order):
            found[key] = held = _together(waiting.get(key, ()), reached)
            reached[key] = held | 1 << place
        if reached == before:
            break
    return found


def _has_cycle(order: list[str], waiting: dict[str, list[str]]) -> bool:
    places = {key: place for place, key in enumerate(order)}
    return any(places.get(each, -1) >= place for key, place in places.items() for each in waiting.get(key, ()))


def _together(keys: Iterable[str], reached: dict[str, int]) -> int:
    found = 0
    for key in keys:
        found |= reached.get(key, 0)
    return found


def _moment(at: float) -> str:
    """The time, or the last one that can be written: a forecast may lie beyond it."""
    return datetime.fromtimestamp(min(at, LAST), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
