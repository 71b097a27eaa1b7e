"""The timeline: one lane for each agent, bars by status, diamonds where something ended, cost below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from coordinator.dashboard.charts.scales import Scale, line

WIDE, LEFT, RIGHT = 1140, 110, 1132
TOP, LANE, BAR, COST, NAMED = 26, 33, 21, 40, 15
NAMES = ("Moment", "Compared with")
"""What the lines are called where there are two; the sliders have the same names."""

STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10080)


@dataclass(frozen=True)
class Bar:
    """What an agent's lane shows from one instant to the next."""

    tone: str
    start: datetime
    end: datetime
    label: str


@dataclass(frozen=True)
class Gem:
    """A moment: something was completed, or failed."""

    tone: str
    at: datetime
    label: str


@dataclass(frozen=True)
class Lane:
    name: str
    bars: Sequence[Bar]
    gems: Sequence[Gem] = ()


def timeline(
    lanes: Sequence[Lane],
    start: datetime,
    end: datetime,
    cost: Sequence[tuple[datetime, Decimal]] = (),
    marks: Sequence[datetime] = (),
) -> SafeString:
    """The lanes from `start` to `end`, the summed cost (USD) as a line below them, and a line down at each mark."""
    floor = TOP + LANE * len(lanes)
    x = scale(start, end)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg>',
        WIDE,
        floor + (COST + 8 if cost else 4) + (NAMED * len(marks) if len(marks) > 1 else 0),
        f"Timeline of {len(lanes)} agents, {timezone.localtime(start):%d %b %H:%M} to {timezone.localtime(end):%H:%M}",
        _ticks(start, end, x, floor),
        format_html_join("", "{}", ((_lane(lane, TOP + LANE * row, x),) for row, lane in enumerate(lanes))),
        _cost(cost, x, floor) if cost else "",
        _marks([x(at.timestamp()) for at in marks], floor + (COST if cost else 0)),
    )


def _marks(places: Sequence[float], floor: float) -> SafeString:
    """A line down at each place, the second one dashed; two have their names below. replay.js moves them."""
    return format_html_join(
        "",
        '<g class="{}" data-mark="{}" transform="translate({} 0)">'
        '<line class="now" x1="0" x2="0" y1="18" y2="{}"></line>{}</g>',
        (
            (
                "with" if mark else "",
                mark,
                place,
                floor + (NAMED * (mark + 1) if len(places) > 1 else 0),
                _name(NAMES[mark], place, floor + NAMED * (mark + 1)) if len(places) > 1 else "",
            )
            for mark, place in enumerate(places)
        ),
    )


def _name(name: str, place: float, bottom: float) -> SafeString:
    """On that side of its line where there is more room."""
    side, x = ("end", -6) if place > WIDE / 2 else ("start", 6)
    return format_html('<text class="strong" x="{}" y="{}" text-anchor="{}">{}</text>', x, bottom - 2, side, name)


def scale(start: datetime, end: datetime) -> Scale:
    """From a time's seconds to its place in the picture."""
    return Scale(start.timestamp(), end.timestamp(), LEFT, RIGHT)


def _ticks(start: datetime, end: datetime, x: Scale, floor: float) -> SafeString:
    step = step_of(end - start)
    first = datetime.fromtimestamp(-(-start.timestamp() // step) * step, tz=start.tzinfo)
    count = max(0, int((end - first).total_seconds() // step) + 1)
    times = [first + timedelta(seconds=step * index) for index in range(count)]
    shape = "%d %b" if step >= 86400 else "%H:%M"
    return format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="18" y2="{}"></line><text x="{}" y="12" text-anchor="middle">{}</text>',
        (
            (x(at.timestamp()), x(at.timestamp()), floor, x(at.timestamp()), timezone.localtime(at).strftime(shape))
            for at in times
        ),
    )


def step_of(length: timedelta) -> int:
    """Seconds between two marks, so that there are about eight of them."""
    wanted = length.total_seconds() / 60 / 8
    return 60 * next((step for step in STEPS_MIN if step >= wanted), STEPS_MIN[-1])


def _lane(lane: Lane, top: float, x: Scale) -> SafeString:
    middle = top + BAR / 2 + 4
    return format_html(
        '<text class="lane" x="0" y="{}">{}</text>{}{}',
        middle,
        lane.name[:16],
        format_html_join("", "{}", ((_bar(bar, top, x),) for bar in lane.bars)),
        format_html_join("", "{}", ((_gem(gem, top, x),) for gem in lane.gems)),
    )


def _bar(bar: Bar, top: float, x: Scale) -> SafeString:
    left, right = x(bar.start.timestamp()), x(bar.end.timestamp())
    width = max(2.0, right - left)
    fits = int((width - 12) / 6.1)
    label = format_html(
        '<text class="label{}" x="{}" y="{}">{}</text>',
        " dark" if bar.tone in {"waiting", "idle"} else "",
        left + 7,
        top + BAR / 2 + 4,
        bar.label[:fits],
    )
    return format_html(
        '<g><title>{}</title><rect class="t-{}" x="{}" y="{}" width="{}" height="{}" rx="3"></rect>{}</g>',
        f"{bar.label}, {timezone.localtime(bar.start):%H:%M} to {timezone.localtime(bar.end):%H:%M}",
        bar.tone,
        left,
        top,
        round(width, 2),
        BAR,
        label if fits >= 4 else "",
    )


def _gem(gem: Gem, top: float, x: Scale) -> SafeString:
    at, middle = x(gem.at.timestamp()), top + BAR / 2
    return format_html(
        '<path class="t-{} gem" d="M{} {}l6 6-6 6-6-6z"><title>{}</title></path>', gem.tone, at, middle - 6, gem.label
    )


def _cost(points: Sequence[tuple[datetime, Decimal]], x: Scale, floor: float) -> SafeString:
    y = Scale(0, float(points[-1][1]) or 1, floor + COST, floor + 10)
    return format_html(
        '<text class="lane" x="0" y="{}">Cost</text><path class="cost" d="{}"></path>'
        '<text x="{}" y="{}" text-anchor="end">${}</text>',
        floor + COST - 8,
        line([(x(at.timestamp()), y(float(amount))) for at, amount in points]),
        RIGHT,
        floor + 6,
        f"{points[-1][1]:,.2f}",
    )
