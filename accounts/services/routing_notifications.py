"""From the ledger to what is to be sent: for each entry, in the order of ids, a delivery to each that hears it.

The entries that were dealt with, their deliveries and the reader's place are one transaction: an entry is routed once,
however many route at a time and whenever one of them dies.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q

from accounts.models import Delivery, Endpoint, LedgerCursor
from accounts.notifying import naming
from traceability import settling
from traceability.models import Entry
from traceability.told import COLUMNS, Told, told

NAME = "notifications"
PAGE = 500
PATIENCE_S = 0.2
LONGEST_S = 1.0
MAIL_GATHERS = timedelta(minutes=1)
"""Mail waits for the end of its minute, so that what happens at once is one mail."""


@dataclass(frozen=True)
class Hearer:
    """An active or paused endpoint as routing sees it."""

    endpoint: Endpoint
    scopes: frozenset[str]

    def topic_of(self, each: Told, routes: Iterable[str]) -> str | None:
        """The name of the most particular topic by which it hears the entry; None when it does not, or may not."""
        if each.id <= self.endpoint.after or each.scope not in self.scopes:
            return None
        named = dict(zip(self.endpoint.routes, self.endpoint.topics, strict=True))
        return next((named[route] for route in routes if route in named), None)


def route(*, now: datetime, patience_s: float = PATIENCE_S) -> int:
    """Routes what is settled, for a second at most; answers how many deliveries were made.

    Without endpoints it is one small query.
    """
    first = Endpoint.objects.aggregate(first=Min("after"))["first"]
    if first is None or not Entry.objects.filter(pk__gt=max(first, _place())).exists():
        return 0
    upto = settling.settled(patience_s=patience_s)
    made, more, end = 0, upto is not None, time.monotonic() + LONGEST_S
    while more and time.monotonic() < end:
        found, more = _route_page(first, upto or 0, now)
        made += found
    return made


def _place() -> int:
    return LedgerCursor.objects.values_list("last", flat=True).get(name=NAME)


def _route_page(first: int, upto: int, now: datetime) -> tuple[int, bool]:
    """How many deliveries one page of entries made, and whether there is more."""
    with transaction.atomic():
        place = LedgerCursor.objects.select_for_update(skip_locked=True).filter(name=NAME).first()
        if place is None:
            return 0, False
        rows = Entry.objects.filter(pk__gt=max(place.last, first), pk__lte=upto).order_by("pk").values(*COLUMNS)
        read = [told(dict(row)) for row in rows[:PAGE]]
        made = _deliver(read, now) if read else 0
        more = len(read) == PAGE
        last = read[-1].id if more else max(upto, place.last)
        LedgerCursor.objects.filter(name=NAME).update(last=last)
    return made, more


def _deliver(read: list[Told], now: datetime) -> int:
    hearers = [Hearer(each, each.hears(now)) for each in Endpoint.objects.knowing_rights().order_by("pk")]
    listening = [each for each in hearers if each.scopes]
    made: list[Delivery] = []
    for entry in read:
        routes = _routes_of(entry)
        for hearer in listening:
            if topic := hearer.topic_of(entry, routes):
                made.append(_delivery(hearer.endpoint, entry, topic, now))
    Delivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=PAGE)
    _note_due({each.endpoint_id for each in made}, now)
    return len(made)


def _routes_of(entry: Told) -> tuple[str, ...]:
    if entry.kind in naming.NEEDS and naming.needs_a_person(entry.kind, entry.data):
        return (*entry.topics, naming.NEEDS_YOU)
    return entry.topics


def _delivery(endpoint: Endpoint, entry: Told, topic: str, now: datetime) -> Delivery:
    fields: dict[str, Any] = {"topic": topic, "event": entry.kind, "at": entry.at, "created_at": now}
    return Delivery(endpoint=endpoint, entry=entry.id, **fields)


def _note_due(endpoint_ids: set[int], now: datetime) -> None:
    """What was at rest falls due: at once, mail at the end of its minute."""
    resting = Endpoint.objects.active().filter(pk__in=endpoint_ids, due_at__isnull=True)
    mail = Q(kind=Endpoint.Kind.EMAIL)
    resting.exclude(mail).update(due_at=now)
    resting.filter(mail).update(due_at=now.replace(second=0, microsecond=0) + MAIL_GATHERS)
