"""The trace log: filtered, page by page, the newest first; and whether the chain holds."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Max, Q

from coordinator.dashboard import rows, stories
from traceability import checkpoints, verifying
from traceability.models import Entry, StreamHead
from traceability.verifying import Proof

PAGE = 60
NOUNS = (
    "mission",
    "task",
    "agent",
    "execution",
    "policy",
    "approval",
    "advisory",
    "sprint",
    "objective",
    "requirement",
    "document",
)
CHECKED_UP_TO = 5_000
"""Entries that a page checks by itself; a longer chain is checked by command or by the API."""
TOLD = 5
"""Findings that the page tells one by one; the command and the API tell all of them."""
FRESH = timedelta(minutes=1)
KEPT = "trace-verdict"


@dataclass(frozen=True)
class Checked:
    """What the verifier found, and when."""

    verdict: Proof
    at: datetime


def log(filters: Mapping[str, str], scopes: Container[str]) -> Mapping[str, Any]:
    """One page of entries; `before` is an entry's id. At most 3 statements."""
    found = Entry.objects.readable_with(scopes)
    if kind := filters.get("event"):
        found = found.of_kind(kind)
    if words := filters.get("q", "").strip():
        found = found.filter(
            Q(actor_name__icontains=words) | Q(subject_key=words) | Q(canonical__contains=f'"key":"{words}"')
        )
    if before := number(filters.get("before", "")):
        found = found.filter(pk__lt=before)
    listed = list(found.order_by("-pk")[: PAGE + 1])
    shown, titles = rows.titled(listed[:PAGE])
    return {"entries": stories.tell(shown, titles), "older": shown[-1].pk if len(listed) > PAGE else 0}


def number(text: str) -> int:
    """The id that the address names; 0 when it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def seal(asked: bool, now: datetime) -> Mapping[str, Any]:
    """Whether the record is whole: checked at most once a minute, and a long one only when asked. Else 3 statements."""
    last = Entry.objects.aggregate(Max("pk"))["pk__max"] or 0
    checked: Checked | None = cache.get(KEPT)
    stale = checked is None or now - checked.at > FRESH
    if stale and (asked or last <= CHECKED_UP_TO):
        checked = Checked(verifying.prove(), now)
        cache.set(KEPT, checked, None)
    return {
        "checked": checked,
        "told": checked.verdict.findings[:TOLD] if checked else (),
        "unchecked": checked.verdict.unchecked[:TOLD] if checked else (),
        "newest": checkpoints.newest_signed(),
        "last": last,
        "streams": StreamHead.objects.count(),
    }
