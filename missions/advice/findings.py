"""What a rule finds: one thing that is wrong, and from when on. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from coordinator.lib.money import plain_money
from missions.standing import figures
from traceability.canonical import moment

OF_MISSIONS = (
    "stalled_task", "review_waiting", "blocked_chain", "budget", "budget_burn", "overdue", "deadline_at_risk",
    "looping_agent", "no_requirement",
)  # fmt: skip
"""Kinds that follow from one mission's standing."""

SWEPT = ("silent_agent", "requirement_without_work", "process_crashed")
"""Kinds that are found by looking at all missions together."""

SAME_FILES = "same_files"
POLICY = "policy"
KINDS = (*OF_MISSIONS, *SWEPT, SAME_FILES, POLICY)

LAST = figures.LAST
LISTED = 20
"""So many keys or paths are listed in the evidence; the count tells of all."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong. `name` stays the same for as long as it is the same thing.

    `message` may say `{mission}`, for which the mission's public key is put in; `agent` is a public key.
    """

    name: str
    kind: str
    severity: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)
    mission_id: int | None = None
    task_id: int | None = None
    agent: str | None = None


class Watch(NamedTuple):
    """From `at` on (seconds since 1970) the thing `name` is wrong, unless something is told meanwhile."""

    at: float
    name: str
    tell: Callable[[], Finding]


def kind_of(name: str) -> str:
    """The kind of a finding by its name: `budget-80:mission:7` is of `budget`."""
    return name.partition(":")[0].partition("-")[0]


def spoken(at: float, now: float | None = None) -> str:
    """As messages say it: `25 Nov 14:00 UTC`, with the year when it is another one than at `now`."""
    time = _time(at)
    form = "%d %b %H:%M" if now is None or time.year == _time(now).year else "%d %b %Y %H:%M"
    return f"{time:{form}} UTC"


def exact(at: float) -> str:
    """As evidence says it: RFC 3339."""
    return moment(_time(at))


def _time(at: float) -> datetime:
    """The time, or the last one that can be written: a forecast may lie beyond it."""
    return datetime.fromtimestamp(min(at, LAST), UTC)


def dollars(micros: float) -> str:
    """Millionths of a US dollar as a decimal text."""
    return plain_money(Decimal(round(micros)) / 1_000_000)


def listed(keys: list[str]) -> dict[str, Any]:
    """Keys as evidence: the first of them, and how many there are."""
    return {"keys": keys[:LISTED], "count": len(keys)}
