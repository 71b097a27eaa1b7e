"""Filters and tags that only format: icons, chips, ages, money, and the pictures of `dashboard.charts`."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.health import STATUS_AFTER, ActivityEvent
from coordinator.dashboard.charts import bars
from coordinator.lib import chips

register = template.Library()

register.simple_tag(chips.icon, name="icon")
register.filter("chip", chips.chip)
register.simple_tag(chips.chip, name="status_chip")
register.simple_tag(bars.meter, name="meter")

ADAPTERS = {"claude_code": "Claude Code", "claude_cli": "Claude CLI", "openai": "OpenAI"}
MINUTE, HOUR, DAY = 60, 3600, 86400
HEARD_S = 120


@register.filter
def tone(status: object) -> str:
    """The CSS class of a status's tone."""
    return f"t-{chips.look(status).tone}"


@register.filter
def word(status: object) -> str:
    return chips.look(status).word


@register.filter
def words(name: object) -> str:
    """A name of ours as words in the middle of a sentence: `git_push` is `git push`."""
    return str(name).replace("_", " ")


@register.filter
def adapter(name: str) -> str:
    """An adapter's product as its makers write it."""
    return ADAPTERS.get(name, name.replace("_", " ").capitalize()) if name else "none"


@register.filter
def ahead(at: datetime | None) -> bool:
    """Whether a moment is still to come."""
    return at is not None and at > timezone.now()


@register.filter
def split(names: str) -> list[str]:
    return names.split()


@register.filter
def event_tone(event: str) -> str:
    """The tone of what an agent said of itself."""
    return tone(STATUS_AFTER.get(ActivityEvent(event), "idle"))


@register.filter
def event_icon(event: str) -> SafeString:
    return status_icon(STATUS_AFTER.get(ActivityEvent(event), "idle"))


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
def light(at: datetime | None) -> str:
    """Whether an agent was heard of lately: `on` or `off`. live.js says the same of what it hears."""
    return "on" if at and (timezone.now() - at).total_seconds() < HEARD_S else "off"


@register.filter
def ago(at: datetime | None) -> str:
    """As the end of a sentence: `just now`, `14 min ago`."""
    if at is None:
        return "never"
    length = span((timezone.now() - at).total_seconds())
    return _time(at, "just now" if length == "now" else f"{length} ago")


@register.filter
def stamp(at: datetime | None) -> str:
    """When, as short as it stays exact: the time of day for today, else the day and the minute."""
    if at is None:
        return "—"
    local, today = timezone.localtime(at), timezone.localdate()
    return _time(at, local.strftime("%H:%M:%S" if local.date() == today else "%-d %b %H:%M"))


@register.filter
def until(at: datetime | None) -> str:
    """How long there is left, or how late it is."""
    if at is None:
        return "—"
    left = (at - timezone.now()).total_seconds()
    length = span(left)
    return _time(at, f"{length} late" if left < 0 and length != "now" else length)


@register.filter
def soon(at: datetime | None) -> str:
    """As the end of a sentence, when something comes that may be late: `now`, `in 14 min`."""
    if at is None:
        return "—"
    left = (at - timezone.now()).total_seconds()
    return _time(at, f"in {span(left)}" if left >= MINUTE else "now")


@register.filter
def clock(at: datetime | None) -> str:
    """The time of day in full, with the date on hover."""
    return _time(at, timezone.localtime(at).strftime("%H:%M:%S")) if at else "—"


@register.filter
def lasted(seconds: float | None) -> str:
    """How long something took: `4.2 s`, `14 min`; a dash when it has not ended."""
    if seconds is None:
        return "—"
    return f"{seconds:.1f} s" if seconds < MINUTE else span(seconds)


@register.filter
def day(at: datetime | None) -> str:
    return _time(at, timezone.localtime(at).strftime("%-d %b %Y, %H:%M")) if at else "—"


@register.filter
def money(amount: Decimal | float | None) -> str:
    """US dollars to the cent; a dash when there is no figure."""
    return "—" if amount is None else f"${amount:,.2f}"


@register.filter
def many(count: float | None) -> str:
    """A count in at most four figures: `950`, `12.3 k`, `4.5 M`."""
    if count is None:
        return "—"
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(count) >= size:
            return f"{count / (1000 if unit == 'k' else size):.1f} {unit}"
    return f"{count:,.0f}"


@register.filter
def figure(amount: Decimal | None) -> str:
    """A decimal without needless zeros."""
    return "—" if amount is None else f"{amount.normalize():,f}"


@register.filter
def criterion(each: Any) -> str:
    """An acceptance criterion as text, whether it was given as a sentence or as an object."""
    return str(each.get("text") or each.get("description") or plain(each)) if isinstance(each, dict) else str(each)


@register.filter
def plain(value: Any) -> str:
    """A value of JSON as a person reads it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


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
