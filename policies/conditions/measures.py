"""Counts and costs over a window of time: the names that conditions may use, and what each asks for. Pure.

rate.tool_call_10m   how many actions of the type this agent asked about in the ten minutes before
rate.any_1h          of every type
cost.agent_24h       what the agent cost in that time, in USD; also cost.mission_7d and cost.task_1h
cost.mission_total   what it cost in all

They are gathered before judging and stored with the decision. The check comes before the action, so what goes on at the
same moment is not counted yet.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

RATE, COST = "rate", "cost"
ANY_TYPE = "any"
NOUNS = ("agent", "mission", "task")
UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST_WINDOW = timedelta(days=31)
NAME = re.compile(r"(rate|cost)\.([a-z0-9_.]{1,64})_(?:([1-9][0-9]{0,4})([smhd])|total)\Z")
WRITTEN = re.compile(r"\b(?:rate|cost)\.[a-z0-9_.]+")
USUAL_WINDOW = "10m"


@dataclass(frozen=True, order=True)
class Measure:
    """`of` is an action type (or `any`) for a rate, and the noun for a cost; `window` is None for the total."""

    name: str
    group: str
    of: str
    window: timedelta | None


def measure(name: str) -> Measure | None:
    """What the name asks for; None when it is no such name."""
    found = NAME.match(name)
    if found is None:
        return None
    group, of, number, unit = found.groups()
    window = None if number is None else int(number) * UNITS[unit]
    if window is None and group == RATE:
        return None
    if window is not None and window > LONGEST_WINDOW:
        return None
    return Measure(name, group, of, window)


def measures_in(text: str) -> frozenset[str]:
    """The counts and costs that an expression names."""
    return frozenset(name for name in WRITTEN.findall(text) if measure(name) is not None)


def kind_of(name: str, knows: Callable[[str], bool]) -> str | None:
    """The kind of the value, or None when the name measures nothing."""
    asked = measure(name)
    if asked is None:
        return None
    if asked.group == COST:
        return "money" if asked.of in NOUNS else None
    return "number" if asked.of == ANY_TYPE or knows(asked.of) else None


def like(name: str, types: Iterable[str]) -> set[str]:
    """Names that a wrong one may have meant."""
    group, _, rest = name.partition(".")
    if group not in {RATE, COST}:
        return set()
    window = rest.rpartition("_")[2] if measure(name) else USUAL_WINDOW
    of = NOUNS if group == COST else (ANY_TYPE, *types)
    return {f"{group}.{each}_{window}" for each in of}


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"rate.tool_call_10m": 3}` as the object that its path reaches."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        inner = found
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found
