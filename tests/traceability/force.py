"""What somebody with every right on the database can do: switch the guards off and change history."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connection

from coordinator.lib.refs import Ref, Subject
from tests.traceability.conftest import AT, new_mission, stream_of
from traceability import ledger, verifying
from traceability.events import Actor, Event
from traceability.models import Installation
from traceability.proving.record import Record
from traceability.verifying import Finding

ACTOR = Actor("person", 7, "ada@example.org", on_behalf_of="coder", request_id="r-1")
GUARDED = ("traceability_entry", "traceability_streamhead", "traceability_checkpoint")


@dataclass(frozen=True, kw_only=True)
class Said(Event):
    """An event that fills every column, and has a text that may be erased."""

    kind: ClassVar[str] = "note.said"
    erasable: ClassVar[tuple[str, ...]] = ("text", "more.inner")
    text: str
    more: dict[str, Any] = dataclasses.field(default_factory=dict)
    share: float = 0.5


def say(mission: Ref, text: str, *, subject: int = 5) -> None:
    """Tells one event in a transaction of its own."""
    with ledger.writing():
        event = Said(
            mission=mission, task=Ref(3, "t-3"), agent=Ref(4, "a-4"), subject=Subject("policy", subject, "p-5"),
            text=text, more={"inner": {"share": 0.25}, "$odd": 1},
        )  # fmt: skip
        ledger.record(event, actor=ACTOR, at=AT)


def told(entries: int = 5) -> Ref:
    """A mission with so many entries in its stream, every column of each filled."""
    mission = new_mission()
    for number in range(1, entries + 1):
        say(mission, f"text {number}")
    return mission


@contextmanager
def no_guards() -> Iterator[None]:
    """As the owner of the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def by_force(statement: str, *values: Any) -> None:
    with no_guards(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def change(mission: Ref, seq: int, assignment: str, *values: Any) -> None:
    """Changes one entry."""
    update = f"UPDATE traceability_entry SET {assignment} WHERE stream = %s AND seq = %s"
    by_force(update, *values, stream_of(mission), seq)


def remove(mission: Ref, condition: str = "true") -> None:
    by_force(f"DELETE FROM traceability_entry WHERE stream = %s AND {condition}", stream_of(mission))


def move_head(mission: Ref) -> None:
    """Makes the head that of the last entry that is there; gone when there is none."""
    stream = stream_of(mission)
    by_force(
        "UPDATE traceability_streamhead AS head SET seq = entry.seq, hash = entry.hash, at = entry.recorded_at"
        " FROM traceability_entry AS entry"
        " WHERE head.stream = %s AND entry.stream = %s"
        " AND entry.seq = (SELECT max(seq) FROM traceability_entry WHERE stream = %s)",
        stream, stream, stream,
    )  # fmt: skip
    by_force(
        "DELETE FROM traceability_streamhead AS head WHERE stream = %s"
        " AND NOT EXISTS (SELECT 1 FROM traceability_entry AS entry WHERE entry.stream = head.stream)",
        stream,
    )


def rewrite(mission: Ref, seq: int, was: str, becomes: str) -> None:
    """Changes an entry carefully: its text and columns, every hash from there on, and the head."""
    stream, installation = stream_of(mission), str(Installation.objects.get().uuid)
    swap = "canonical = replace(canonical, %s, %s), actor_name = replace(actor_name, %s, %s)"
    change(mission, seq, swap, was, becomes, was, becomes)
    with no_guards(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), canonical"
            " FROM traceability_entry WHERE stream = %s ORDER BY seq",
            [stream],
        )
        before = verifying.first_link(stream)
        assert installation
        for number, at, text in cursor.fetchall():
            before = verifying.link(before, stream, number, at, text)
            cursor.execute(
                "UPDATE traceability_entry SET hash = %s WHERE stream = %s AND seq = %s", [before, stream, number]
            )
        cursor.execute("UPDATE traceability_streamhead SET hash = %s WHERE stream = %s", [before, stream])


def append(kind: str, canonical: str, stream: str = "org") -> None:
    """As whoever may insert: an entry of any text, which the database chains."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, occurred_at, canonical)"
            " VALUES (%s, %s, 1, 'system', 'eve', now(), %s)",
            [stream, kind, canonical],
        )


def findings(mission: Ref, record: Record | None = None) -> list[tuple[int, str]]:
    """What is found in the mission's stream."""
    return [(each.seq, each.kind) for each in all_findings(record) if each.stream == stream_of(mission)]


def all_findings(record: Record | None = None) -> tuple[Finding, ...]:
    return verifying.verify(record=record).findings
