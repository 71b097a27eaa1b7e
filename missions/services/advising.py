"""Advisories: each opens once for its cause, carries its evidence, and resolves itself when the cause is gone.

The readers in `missions.causes` say, with one statement each, what is wrong now; this service compares that with
what is open.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from coordinator.lib import versions
from coordinator.lib.refs import Subject
from missions import causes
from missions.causes import Cause
from missions.events import AdvisoryAcknowledged, AdvisoryOpened, AdvisoryResolved
from missions.models import Advisory
from traceability import ledger
from traceability.events import SYSTEM, Actor

LOCK = "missions.advising"


def review(*, now: datetime) -> tuple[int, int]:
    """Opens what is newly wrong and resolves what is no longer; answers how many of each. One runs at a time."""
    with ledger.writing():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        present = {each.cause: each for each in _open_now()}
        wanted = {each.name: each for each in causes.all_causes(now)}
        opened = _open((wanted[name] for name in sorted(wanted.keys() - present.keys())), now)
        resolved = _resolve([present[name] for name in sorted(present.keys() - wanted.keys())], now)
    return opened, resolved


def acknowledge(
    advisory: Advisory, *, person: Any, actor: Actor, now: datetime, expected: int | None = None
) -> Advisory:
    """Says that a person has seen it. A repeat changes nothing; a resolved one may still be acknowledged.

    Raises Stale.
    """
    with ledger.writing():
        rows = Advisory.objects.select_for_update(of=("self",)).select_related("mission", "task", "agent")
        advisory = rows.get(pk=advisory.pk)
        versions.require(advisory, expected)
        if advisory.acknowledged_at is None:
            advisory.acknowledged_at, advisory.acknowledged_by = now, person
            advisory.save(update_fields=["acknowledged_at", "acknowledged_by"])
            told = AdvisoryAcknowledged(**_about(advisory), advisory=advisory.pk, cause=advisory.cause)
            ledger.record(told, actor=actor, at=now)
    return advisory


def _open_now() -> Iterable[Advisory]:
    return Advisory.objects.open().filter(kind__in=causes.KINDS).select_related("mission", "task", "agent")


def _open(wanted: Iterable[Cause], now: datetime) -> int:
    rows = Advisory.objects.bulk_create(
        Advisory(
            cause=each.name,
            kind=each.kind,
            severity=each.severity,
            message=each.message,
            evidence=each.evidence,
            mission=each.mission,
            task=each.task,
            agent=each.agent,
            opened_at=now,
        )
        for each in wanted
    )
    for row in rows:
        told = AdvisoryOpened(
            **_about(row),
            advisory=row.pk,
            cause=row.cause,
            about=row.kind,
            severity=row.severity,
            message=row.message,
        )
        ledger.record(told, actor=SYSTEM, at=now)
    return len(rows)


def _resolve(rows: list[Advisory], now: datetime) -> int:
    Advisory.objects.filter(pk__in=[row.pk for row in rows]).update(resolved_at=now)
    for row in rows:
        told = AdvisoryResolved(**_about(row), advisory=row.pk, cause=row.cause)
        ledger.record(told, actor=SYSTEM, at=now)
    return len(rows)


def _about(row: Advisory) -> dict[str, Any]:
    return {
        "mission": row.mission and row.mission.ref,
        "task": row.task and row.task.ref,
        "agent": row.agent and row.agent.ref,
        "subject": Subject("advisory", row.pk, row.cause),
    }
