"""Rows that tests make by hand, each with the entries that tell of it: the database takes none without."""

from typing import Any

from coordinator.lib.refs import Subject
from missions.events import AdvisoryAcknowledged, AdvisoryOpened, AdvisoryResolved, ExecutionQueued
from missions.models import Advisory, Execution
from missions.services import running
from traceability import ledger
from traceability.events import SYSTEM


def advisory(**fields: Any) -> Advisory:
    """An advisory with these columns, opened, and seen or resolved when they say so."""
    with ledger.writing():
        row = Advisory.objects.create(**fields)
        about: dict[str, Any] = {
            **{noun: of and of.ref for noun in ("mission", "task", "agent") for of in [getattr(row, noun)]},
            "subject": Subject("advisory", row.pk, row.cause),
            "advisory": row.pk,
            "cause": row.cause,
        }
        opened = AdvisoryOpened(**about, about=row.kind, severity=row.severity, message=row.message)
        ledger.record(opened, actor=SYSTEM, at=row.opened_at)
        if row.acknowledged_at:
            ledger.record(AdvisoryAcknowledged(**about), actor=SYSTEM, at=row.acknowledged_at)
        if row.resolved_at:
            ledger.record(AdvisoryResolved(**about), actor=SYSTEM, at=row.resolved_at)
    return row


def execution(**fields: Any) -> Execution:
    """A queued execution with these columns."""
    with ledger.writing():
        row = Execution.objects.create(**fields)
        told = ExecutionQueued(**running.refs(row), execution=row.pk, adapter=row.adapter)
        ledger.record(told, actor=SYSTEM, at=row.created_at)
    return row
