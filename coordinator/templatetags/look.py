"""Filters and tags that only format: icons, chips, ages, money, and the pictures of `dashboard.charts`."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from coordinator.lib import chips

register = template.Library()

register.simple_tag(chips.icon, name="icon")
register.filter("chip", chips.chip)

MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def tone(status: object) -> str:
    """The CSS class of a status's tone."""
    return f"t-{chips.look(status).tone}"


@register.filter
def word(status: object) -> str:
    return chips.look(status).word


@register.filter
def status_icon(status: object) -> SafeString:
    return chips.icon(chips.look(status).icon)


def span(seconds: float) -> str:
    """A length of time in its largest fitting unit: `now`, `14 min`, `3 h`, `5 d`."""
    length = abs(seconds)
    if length < MINUTE:
        return "now"
    if length < 2 * HOUR:
        return f"{int(length // MINUTE)} min"
    return f"{int(length // HOUR)} h" if length < 2 * DAY else f"{int(length // DAY)} d"


def _time(at: datetime, text: str) -> SafeString:
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S %Z"), text
    )


@register.filter
def age(at: datetime | None) -> str:
    """How long ago, with the exact time on hover; a dash when never."""
    return _time(at, span((timezone.now() - at).total_seconds())) if at else "—"


@register.filter
def until(at: datetime | None) -> str:
    """How long there is left, or how late it is."""
    if at is None:
        return "—"
    left = (at - timezone.now()).total_seconds()
    return _time(at, span(left) if left >= 0 else f"{span(left)} late")


@register.filter
def clock(at: datetime | None) -> str:
    """The time of day in full, with the date on hover."""
    return _time(at, timezone.localtime(at).strftime("%H:%M:%S")) if at else "—"


@register.filter
def day(at: datetime | None) -> str:
    return _time(at, timezone.localtime(at).strftime("%-d %b %Y, %H:%M")) if at else "—"


@register.filter
def money(amount: Decimal | float | None) -> str:
    """US dollars to the cent; a dash when there is no figure."""
    return "—" if amount is None else f"${amount:,.2f}"


@register.filter
def percent(share: float | None) -> str:
    return "—" if share is None else f"{share * 100:.0f} %"


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """This page's address with some parameters changed; an empty value removes one."""
    params = context["request"].GET.copy()
    for name, value in changes.items():
        params.pop(name, None)
        if value not in (None, ""):
            params[name] = str(value)
    return f"?{params.urlencode()}" if params else "?"
