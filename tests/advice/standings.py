"""Standings of missions made by hand: plain functions with defaults. Times are seconds since 1970."""

from typing import Any

from missions.advice import rules
from missions.advice.findings import Finding
from missions.standing.state import Fellow, Standing, Work

NOW = 1_764_000_000.0
DAY = 86_400.0
MISSION = 7
HOUR = int(NOW // 3600)
"""Hours since 1970."""


def standing(*tasks: Work, **fields: Any) -> Standing:
    """An active mission with these tasks, whose row ids are 1, 2, 3 in their order."""
    given = {"status": "active", "process": "running", "at": NOW, **fields}
    return Standing(tasks=dict(enumerate(tasks, 1)), **given)


def work(key: str = "t-1", status: str = "in_progress", **fields: Any) -> Work:
    """A task that was moved and heard of just now."""
    return Work(**{"key": key, "status": status, "since": NOW, "heard": NOW, **fields})


def fellow(**fields: Any) -> Fellow:
    return Fellow(**{"id": 3, "heard": NOW, **fields})


def wrong(of: Standing, now: float = NOW) -> dict[str, Finding]:
    """What is wrong with a mission, by name."""
    return {name: watch.tell() for name, watch in rules.look(MISSION, of, now).wrong.items()}


def finished_half(deadline: float) -> Standing:
    """Four tasks done in four days, four to go: done in four days more, if it goes on like this."""
    done = [work(f"d-{number}", "completed") for number in range(4)]
    todo = [work(f"o-{number}", "pending") for number in range(4)]
    times = [NOW - DAY * number for number in (3, 2, 1, 0)]
    return standing(*done, *todo, started=NOW - 4 * DAY, finished=times, deadline=deadline)
