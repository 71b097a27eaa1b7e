"""Columns over days: what each day cost."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from coordinator.dashboard.charts.scales import Scale, round_steps

WIDE, HIGH = 760, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 752, 14, 146


def daily(days: Sequence[date], costs: Sequence[Decimal]) -> SafeString:
    """One column for each day, in USD; each says its day and its amount on hover."""
    marks = round_steps(float(max(costs, default=Decimal(0))))
    y = Scale(0, marks[-1], BOTTOM, TOP)
    step = (RIGHT - LEFT) / max(1, len(days))
    every = max(1, -(-len(days) // 8))
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        WIDE,
        HIGH,
        f"${sum(costs):,.2f} in {len(days)} days",
        format_html_join(
            "",
            '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"></line>'
            '<text x="{}" y="{}" text-anchor="end">${}</text>',
            ((LEFT, RIGHT, y(mark), y(mark), LEFT - 6, y(mark) + 3.5, f"{mark:g}") for mark in marks),
        ),
        format_html_join(
            "",
            '<rect class="t-working" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}: ${}</title></rect>',
            (
                (f"{LEFT + index * step + step * 0.15:.1f}", y(float(cost)), f"{step * 0.7:.1f}",
                 round(BOTTOM - y(float(cost)), 2), f"{day:%d %b}", f"{cost:,.2f}")
                for index, (day, cost) in enumerate(zip(days, costs, strict=True))
                if cost
            ),
        ),
        format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="middle">{}</text>',
            (
                (f"{LEFT + (index + 0.5) * step:.1f}", HIGH - 6, f"{day:%d %b}")
                for index, day in enumerate(days)
                if index % every == 0
            ),
        ),
    )  # fmt: skip
