"""What a delivery says: the frame of the live stream, read from the ledger when it is sent, so that no copy is kept."""

from collections.abc import Iterable
from typing import Any

from accounts.models import Delivery
from traceability.models import Entry
from traceability.told import COLUMNS, Told, told

Frame = dict[str, Any]
TEST = "This is a test. Whoever reads it is told what happens from now on."


def frames_of(deliveries: Iterable[Delivery]) -> list[Frame]:
    """The frame of each delivery, in the same order. An entry that was archived since says so in its data."""
    wanted = list(deliveries)
    rows = Entry.objects.filter(pk__in=[each.entry for each in wanted if each.entry is not None]).values(*COLUMNS)
    entries = {row["id"]: told(dict(row)) for row in rows}
    return [_frame(each, entries.get(each.entry or 0)) for each in wanted]


def _frame(delivery: Delivery, entry: Told | None) -> Frame:
    if entry is not None:
        return entry.frame(delivery.topic)
    at = delivery.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    data: dict[str, Any] = {"message": TEST} if delivery.is_test else {"archived": True}
    return {"id": delivery.entry, "topic": delivery.topic, "event": delivery.event, "at": at, "data": data}
