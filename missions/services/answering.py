"""What people say to an advisory: that they have seen it, or that they do not want to see it for a while."""

from datetime import datetime, timedelta
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from missions.events import AdvisoryAcknowledged, AdvisorySnoozed
from missions.models import Advisory
from traceability import ledger
from traceability.events import Actor

LONGEST = timedelta(days=30)


class NothingToSnooze(Conflict):
    """This advisory is resolved; there is nothing to put off."""


def acknowledge(
    advisory: Advisory, *, person: Any, actor: Actor, now: datetime, expected: int | None = None
) -> Advisory:
    """Says that a person has seen it. A repeat changes nothing; a resolved one may still be acknowledged.

    Raises Stale.
    """
    with ledger.writing():
        advisory = _locked(advisory, expected)
        if advisory.acknowledged_at is None:
            advisory.acknowledged_at, advisory.acknowledged_by = now, person
            advisory.save(update_fields=["acknowledged_at", "acknowledged_by"])
            told = AdvisoryAcknowledged(**advisory.named, advisory=advisory.pk, cause=advisory.cause)
            ledger.record(told, actor=actor, at=now)
    return advisory


def snooze(
    advisory: Advisory, *, until: datetime | None, actor: Actor, now: datetime, expected: int | None = None
) -> Advisory:
    """Puts it off until then, or takes it up again when `until` is None. It still resolves when its cause is gone.

    Raises Invalid for a time that is past or too far, NothingToSnooze, Stale.
    """
    if until is not None and not now < until <= now + LONGEST:
        raise Invalid({"until": [f"This must be in the future, and at most {LONGEST.days} days away."]})
    with ledger.writing():
        advisory = _locked(advisory, expected)
        if advisory.resolved_at is not None:
            raise NothingToSnooze
        if advisory.snoozed_until != until:
            advisory.snoozed_until, advisory.snoozes = until, advisory.snoozes + 1
            advisory.save(update_fields=["snoozed_until", "snoozes"])
            told = AdvisorySnoozed(**advisory.named, advisory=advisory.pk, cause=advisory.cause, until=until)
            ledger.record(told, actor=actor, at=now)
    return advisory


def _locked(advisory: Advisory, expected: int | None) -> Advisory:
    """The advisory's present row, locked. Raises Stale."""
    rows = Advisory.objects.select_for_update(of=("self",)).select_related("mission", "task", "agent")
    found = rows.get(pk=advisory.pk)
    versions.require(found, expected)
    return found
