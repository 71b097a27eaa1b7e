"""From when on something deserves advice: one table, which a mission may overrule line by line. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from coordinator.lib.errors import Invalid
from policies.conditions.attributes import nearest

DAY = 24 * 3600


class Threshold(NamedTuple):
    """A whole number: what holds when a mission says nothing, its bounds, and what it means."""

    usual: int
    least: int
    most: int
    means: str


TABLE: Mapping[str, Threshold] = {
    "stalled_after_s": Threshold(1800, 10, 30 * DAY, "seconds without a sign of a task in progress"),
    "review_waits_s": Threshold(4 * 3600, 10, 90 * DAY, "seconds that a task waits for review"),
    "blocked_after_s": Threshold(600, 1, 30 * DAY, "seconds that a task is blocked while others wait for it"),
    "silent_after_s": Threshold(0, 10, 30 * DAY, "seconds without a sign of an agent at work"),
    "unlinked_after_s": Threshold(900, 1, 90 * DAY, "seconds that a task may be without a requirement"),
    "loop_failures": Threshold(3, 2, 100, "times that the same failure comes in a row"),
    "budget_info_percent": Threshold(50, 1, 1000, "percent of a budget: for information"),
    "budget_warning_percent": Threshold(80, 1, 1000, "percent of a budget: a warning"),
    "budget_critical_percent": Threshold(100, 1, 1000, "percent of a budget: critical"),
}
STEPS = ("budget_info_percent", "budget_warning_percent", "budget_critical_percent")
USUAL: Mapping[str, int] = {name: each.usual for name, each in TABLE.items()}


def of(own: Mapping[str, Any]) -> Mapping[str, int]:
    """All thresholds of a mission that sets these of its own."""
    return {**USUAL, **own} if own else USUAL


def require_fit(own: object) -> None:
    """Raises Invalid for what is no object of known names with whole numbers within their bounds."""
    if not isinstance(own, dict):
        raise Invalid({"thresholds": ["This must be an object of names and whole numbers."]})
    wrong = [text for name, value in own.items() if (text := _misfit(name, value))]
    if not wrong:
        steps = [of(own)[name] for name in STEPS]
        wrong = [] if steps == sorted(steps) else [f"{', '.join(STEPS)} must not fall: they are {steps}."]
    if wrong:
        raise Invalid({"thresholds": wrong})


def _misfit(name: object, value: object) -> str:
    known = TABLE.get(str(name))
    if known is None:
        near = nearest(str(name), TABLE)
        return f"There is no threshold {str(name)[:100]!r}" + (f"; do you mean {near!r}?" if near else ".")
    if isinstance(value, bool) or not isinstance(value, int) or not known.least <= value <= known.most:
        return f"{name} is a whole number from {known.least} to {known.most}: {known.means}."
    return ""
