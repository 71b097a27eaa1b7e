"""What `manage.py doctor` looks at of the record: guards, roles, checkpoints outside, archive files."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from coordinator.launching.findings import Finding
from traceability import archiving, rights
from traceability import checkpoints as signed_checkpoints
from traceability.models import Archive, StreamHead

GUARDS = {
    "entry_seal": "traceability_entry",
    "entry_kept": "traceability_entry",
    "entry_erasure_told": "traceability_entry",
    "entry_append_only": "traceability_entry",
    "entry_no_truncate": "traceability_entry",
    "head_kept": "traceability_streamhead",
    "head_no_truncate": "traceability_streamhead",
    "archive_told": "traceability_archive",
    "archive_append_only": "traceability_archive",
    "archive_no_truncate": "traceability_archive",
    "checkpoint_kept": "traceability_checkpoint",
    "checkpoint_append_only": "traceability_checkpoint",
    "checkpoint_no_truncate": "traceability_checkpoint",
}
"""The ledger's triggers, each with its table."""

OLDEST_CHECKPOINT = timedelta(minutes=30)
"""How long the record may go on without a checkpoint; the clock takes one each five minutes."""


def guards(now: datetime) -> Iterator[Finding]:
    """The guards stand and are on in every replication role, and no other guard of ours is off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled = 'A', tgenabled = 'D' FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace"
        )
        found = cursor.fetchall()
    standing = {name for name, always, _ in found if always}
    off = sorted((set(GUARDS) - standing) | {name for name, _, disabled in found if disabled})
    if off:
        yield Finding(
            "ledger", "wrong", f"Guards are off: {', '.join(off)}.",
            "Find out who turned them off, then restore them from the migrations.",
        )  # fmt: skip
    else:
        yield Finding("ledger", "ok", "Its guards are on.")


def roles(now: datetime) -> Iterator[Finding]:
    """Whether the running role could take the ledger's guards down, and what else it may do beyond its need."""
    role = rights.running_role()
    standing = rights.standing_of(role)
    if not standing.is_split:
        yield Finding(
            "roles", "note", f"The running role {role} owns the ledger and could turn its guards off.",
            "Where that matters, migrate as one role and run as another (docs/operating.md).",
        )  # fmt: skip
        return
    yield Finding("roles", "ok", f"{role} runs the product, {standing.owner} owns its tables.")
    for phrase in rights.excess(role):
        mend = f"As {standing.owner}: `manage.py trace_roles --runtime {role} --apply`."
        yield Finding("roles", "note", f"{role} {phrase}, which the product does not need.", mend)


def checkpoints(now: datetime) -> Iterator[Finding]:
    """Whether what the streams hold is fixed outside the database, as far as it is old enough to be."""
    if not settings.CHECKPOINTS:
        yield Finding("checkpoints", "note", "They are turned off.", "Unset CHECKPOINTS.")
        return
    newest = signed_checkpoints.newest_signed()
    since = newest.at if newest else None
    fixed = StreamHead.objects.filter(at__lt=now - OLDEST_CHECKPOINT)
    if (fixed if since is None else fixed.filter(at__gt=since)).exists():
        last = f"since {since:%Y-%m-%d %H:%M} UTC" if since else "yet"
        yield Finding(
            "checkpoints", "wrong", f"The record grew and no checkpoint was taken {last}.",
            "See that the workers run; `manage.py trace_checkpoint` takes one and says what is in the way.",
        )  # fmt: skip
    elif newest:
        yield Finding("checkpoints", "ok", f"Number {newest.n} was taken {newest.at:%Y-%m-%d %H:%M} UTC.")


def archives(now: datetime) -> Iterator[Finding]:
    """Whether the files of what was moved out of the table are all there, unchanged."""
    moved = list(Archive.objects.order_by("stream", "first_seq"))
    faults = [(row, fault) for row in moved if (fault := archiving.fault(row))]
    for row, fault in faults:
        yield Finding("archives", "wrong", f"{row}: {fault.detail}", "Bring the file back from your backup.")
    if moved and not faults:
        yield Finding("archives", "ok", f"{len(moved)} files are there, unchanged.")


LOOKS = (guards, roles, checkpoints, archives)
