"""Small bars: shares of a whole, one share, and counts over time."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Part:
    """One segment of a stacked bar: its tone, how many, and what they are."""

    tone: str
    count: int
    word: str


def stack(parts: Sequence[Part]) -> SafeString:
    """The parts beside each other, each as wide as its share; empty ones are left out. Says its numbers as text."""
    total = sum(part.count for part in parts)
    if not total:
        return format_html('<svg class="stack" role="img" aria-label="{}"></svg>', "no tasks")
    shown = [part for part in parts if part.count]
    starts = [sum(part.count for part in shown[:index]) for index in range(len(shown))]
    return format_html(
        '<svg class="stack" role="img" aria-label="{}">{}</svg>',
        ", ".join(f"{part.count} {part.word}" for part in shown),
        format_html_join(
            "",
            '<rect class="t-{}" x="{}%" width="{}%" height="100%"><title>{} {}</title></rect>',
            (
                (part.tone, _share(start, total), _share(part.count, total), part.count, part.word)
                for part, start in zip(shown, starts, strict=True)
            ),
        ),
    )


def meter(share: float, tone: str = "done") -> SafeString:
    """One bar filled to `share` (0 to 1)."""
    full = max(0.0, min(1.0, share))
    return format_html(
        '<svg class="meter" aria-hidden="true"><rect class="t-{}" width="{}%" height="100%"></rect></svg>',
        tone,
        _share(full, 1),
    )


def pulse(counts: Sequence[int]) -> SafeString:
    """How much happened in each span of time, oldest first; a span with nothing keeps a base line."""
    most = max(counts, default=0) or 1
    step = 120 / max(1, len(counts))
    heights = [1.5 if not count else 3 + 13 * min(1.0, count / most) for count in counts]
    return format_html(
        '<svg viewBox="0 0 120 16" preserveAspectRatio="none" role="img" aria-label="{} reports">{}</svg>',
        sum(counts),
        format_html_join(
            "",
            '<rect x="{}" y="{}" width="{}" height="{}"></rect>',
            (
                (f"{index * step:.2f}", f"{16 - height:.1f}", f"{step * 0.72:.2f}", f"{height:.1f}")
                for index, height in enumerate(heights)
            ),
        ),
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3f}".rstrip("0").rstrip(".")
