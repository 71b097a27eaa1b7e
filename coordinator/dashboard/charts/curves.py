"""Curves over time: burn-up and burn-down, and cost."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from coordinator.dashboard.charts.scales import Scale, area, line, round_steps

WIDE, HIGH = 480, 150
LEFT, RIGHT, TOP, BOTTOM = 30, 472, 16, 128
NAMED = 412
"""Where curves end whose names stand to the right of them."""
APART = 14
"""The least distance of two lines of text."""


def burnup(days: Sequence[date], scope: Sequence[int], done: Sequence[int], noun: str = "tasks") -> SafeString:
    """Done work as an area under the dashed line of all work; one value for each day, oldest first."""
    marks = round_steps(max([*scope, *done, 1]))
    x = Scale(0, max(1, len(days) - 1), LEFT, NAMED)
    y = Scale(0, marks[-1], BOTTOM, TOP)
    done_at = [(x(index), y(count)) for index, count in enumerate(done)]
    scope_at = [(x(index), y(count)) for index, count in enumerate(scope)]
    if not days:
        return format_html("")
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}'
        '<path class="area" d="{}"></path><path class="scope" d="{}"></path><path class="line" d="{}"></path>'
        '<circle class="t-done" cx="{}" cy="{}" r="3.5"></circle>{}</svg>',
        WIDE,
        HIGH,
        f"{done[-1]} of {scope[-1]} {noun} done by {days[-1]:%d %b}",
        _rungs([(mark, y(mark)) for mark in marks], end=NAMED),
        _days(days, x),
        area(done_at, BOTTOM),
        line(scope_at),
        line(done_at),
        *done_at[-1],
        _names(scope_at[-1][1], f"{scope[-1]} {noun}", done_at[-1][1], f"{done[-1]} done"),
    )


def burndown(days: Sequence[date], left: Sequence[tuple[float, int]]) -> SafeString:
    """Open work against the straight line to zero: (days since the start, how much was open), the start's first."""
    first, now = left[0][1], left[-1][1]
    marks = round_steps(max(1, *(count for _, count in left)))
    x = Scale(0, len(days), LEFT, NAMED)
    y = Scale(0, marks[-1], BOTTOM, TOP)
    known = [(x(at), y(count)) for at, count in left]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}'
        '<path class="scope" d="{}"></path><path class="line" d="{}"></path>'
        '<circle class="t-done" cx="{}" cy="{}" r="3.5"></circle>'
        '<text class="strong" x="{}" y="{}">{}</text></svg>',
        WIDE,
        HIGH,
        f"{now} tasks are open, {first} were at the start",
        _rungs([(mark, y(mark)) for mark in marks], end=NAMED),
        _days(days, x),
        line([(x(0), y(first)), (x(len(days)), y(0))]),
        line(known),
        *known[-1],
        known[-1][0] + 8,
        known[-1][1] + 4,
        f"{now} open",
    )


def cost(points: Sequence[tuple[datetime, Decimal]], budget: Decimal | None = None) -> SafeString:
    """Cost summed over time in USD, with the budget as a dashed line."""
    if not points:
        return format_html("")
    highest = max(float(points[-1][1]), float(budget or 0))
    marks = round_steps(highest)
    x = Scale(points[0][0].timestamp(), points[-1][0].timestamp(), LEFT + 12, RIGHT)
    y = Scale(0, marks[-1], BOTTOM, TOP)
    places = [(x(at.timestamp()), y(float(amount))) for at, amount in points]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}'
        '<path class="cost" d="{}"></path></svg>',
        WIDE,
        HIGH,
        f"${points[-1][1]:,.2f} spent" + (f" of ${budget:,.2f}" if budget else ""),
        _rungs([(mark, y(mark)) for mark in marks], "$"),
        _instants(points[0][0], points[-1][0]),
        _limit(y(float(budget))) if budget else "",
        line(places),
    )


def _limit(y: float) -> SafeString:
    return format_html('<path class="scope" d="{}"></path>', line([(LEFT + 12, y), (RIGHT, y)]))


def _rungs(marks: Sequence[tuple[float, float]], unit: str = "", end: float = RIGHT) -> SafeString:
    return format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"></line><text x="{}" y="{}" text-anchor="end">{}</text>',
        ((LEFT, end, y, y, LEFT - 5, y + 3.5, f"{unit}{mark:g}") for mark, y in marks),
    )


def _days(days: Sequence[date], x: Scale) -> SafeString:
    every = max(1, -(-len(days) // 5))
    return format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (x(index), HIGH - 6, "start" if index == 0 else "middle", f"{day:%d %b}")
            for index, day in enumerate(days)
            if index % every == 0 and index < len(days) - 1
        ),
    )


def _instants(first: datetime, last: datetime) -> SafeString:
    shape = "%d %b" if (last - first).days >= 2 else "%H:%M"
    return format_html(
        '<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>',
        LEFT + 12, HIGH - 6, first.strftime(shape), RIGHT, HIGH - 6, last.strftime(shape),
    )  # fmt: skip


def _names(high: float, above: str, low: float, below: str) -> SafeString:
    """The two curves' names, each beside its end; they stand apart also when the curves meet."""
    return format_html(
        '<text class="strong" x="{}" y="{}">{}</text><text class="strong" x="{}" y="{}">{}</text>',
        *(part for y, name in zip(apart(high, low), (above, below), strict=True) for part in (NAMED + 9, y + 4, name)),
    )


def apart(high: float, low: float) -> tuple[float, float]:
    """Both heights, moved from each other as far as two lines of text need, and no lower than the picture's floor."""
    middle = (high + low) / 2
    half = max(low - high, APART) / 2
    lift = max(0.0, middle + half - BOTTOM)
    return middle - half - lift, middle + half - lift
