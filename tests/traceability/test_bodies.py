"""Texts beside the chain: read as if they stood in it, erased lawfully, fixed by it as long as they are there."""

from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from tests.traceability.conftest import AT, new_mission, note, stream_of
from traceability import bodies, canonical, ledger
from traceability.events import SYSTEM, EntriesArchived, Event, TextsErased
from traceability.models import Entry


@dataclass(frozen=True, kw_only=True)
class Said(Event):
    kind: ClassVar[str] = "test.said"
    erasable: ClassVar[tuple[str, ...]] = ("comment", "fields.description", "outputs")
    comment: str = ""
    fields: dict[str, Any]
    outputs: dict[str, Any]


def told(**data: Any) -> Entry:
    mission = new_mission()
    with ledger.writing():
        ledger.record(Said(mission=mission, **data), actor=SYSTEM, at=AT)
    return Entry.objects.get(stream=stream_of(mission))


def erase(entry: Entry, *paths: str, say: bool = True) -> None:
    event = TextsErased(entry=entry.pk, of_stream=entry.stream, seq=entry.seq, paths=list(paths), reason="law")
    erase_and_tell(entry, list(paths), event if say else None)


def erase_and_tell(entry: Entry, paths: list[str], event: TextsErased | None) -> None:
    with ledger.writing():
        with connection.cursor() as cursor:
            cursor.execute("SELECT traceability_erase(%s, %s)", [entry.pk, paths])
        if event:
            ledger.record(event, actor=SYSTEM, at=AT)


FULL: dict[str, Any] = {
    "comment": "call Ada",
    "fields": {"description": "her number is 555", "priority": 2},
    "outputs": {"share": 0.5, "$odd": ["x"]},
}


@pytest.mark.django_db
def test_a_text_beside_the_chain_reads_as_if_it_stood_in_it() -> None:
    entry = told(**FULL)
    assert entry.data == FULL
    assert "her number" not in entry.canonical
    assert "call Ada" not in entry.canonical


@pytest.mark.django_db
def test_the_chain_holds_the_digest_of_each_text_and_no_two_digests_are_alike() -> None:
    entries = [told(**FULL) for _ in range(2)]
    digests = [dict(bodies.sealed(canonical.read(entry.canonical)["data"])) for entry in entries]
    assert set(digests[0]) == {"comment", "fields.description", "outputs"}
    assert not set(digests[0].values()) & set(digests[1].values())
    for entry, found in zip(entries, digests, strict=True):
        held = bodies.held(entry.body)
        assert {path: bodies.digest(each["salt"], each["value"]) for path, each in held.items()} == found


@pytest.mark.django_db
def test_an_empty_value_needs_no_body() -> None:
    entry = told(comment="", fields={"priority": 1}, outputs={})
    assert entry.body is None
    assert entry.data == {"comment": "", "fields": {"priority": 1}, "outputs": {}}


def test_a_clients_own_key_is_not_taken_for_a_sealed_value() -> None:
    text = canonical.write({"data": {"$erasable": "mine"}})
    assert bodies.read(text, None) == {"data": {"$erasable": "mine"}}


def test_an_erased_text_reads_so_and_the_others_stay(committed_db: str) -> None:
    entry = told(**FULL)
    erase(entry, "fields.description")
    again = Entry.objects.get(pk=entry.pk)
    assert again.data == {**FULL, "fields": {"description": bodies.ERASED, "priority": 2}}
    assert (again.canonical, bytes(again.hash)) == (entry.canonical, bytes(entry.hash))
    assert "her number" not in str(again.body)
    erase(entry, "comment", "outputs")
    assert Entry.objects.get(pk=entry.pk).body is None


def test_an_erasure_that_no_entry_tells_of_is_refused(committed_db: str) -> None:
    entry = told(**FULL)
    with pytest.raises(DatabaseError, match="lost texts"):
        erase(entry, "comment", say=False)
    assert Entry.objects.get(pk=entry.pk).data == FULL


CHANGES = (
    """body = replace(body, 'Ada', 'Bob')""",
    """body = '{}', actor_name = 'x'""",
    """body = (body::jsonb || '{"more": {"salt": "00", "value": 1}}')::text""",
    """xid = '3'""",
    """xid = xid""",
    """canonical = canonical || ' '""",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_body_is_never_changed_in_another_way(committed_db: str, change: str) -> None:
    entry = told(**FULL)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE traceability_entry SET {change} WHERE id = {entry.pk}")


AHEAD = "SELECT count(*) FROM traceability_entry WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
FROM_ELSEWHERE = """
    UPDATE traceability_entry SET xid = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + seq)::text::xid8
    WHERE stream = %s
"""


def test_entries_of_a_restored_database_lie_in_the_past(committed_db: str) -> None:
    """Whichever transaction ids they carry: one is that of the very transaction that mends them."""
    mission = new_mission()
    for number in range(20):
        note(mission, number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceability_rebase()")
        assert cursor.fetchone() == (0,)
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER entry_kept")
        cursor.execute(FROM_ELSEWHERE, [stream_of(mission)])
        cursor.execute("ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_kept")
        cursor.execute(AHEAD)
        ahead = cursor.fetchone()
        assert ahead > (10,)
        cursor.execute("SELECT traceability_rebase()")
        assert cursor.fetchone() == ahead
        cursor.execute(AHEAD)
        assert cursor.fetchone() == (0,)


def archive(stream: str, upto: int, *, say: bool = True) -> None:
    with ledger.writing():
        with connection.cursor() as cursor:
            cursor.execute("SELECT traceability_archive_entries(%s, %s, %s)", [stream, upto, "ab" * 32])
        if say:
            event = EntriesArchived(of_stream=stream, first_seq=1, last_seq=upto, last_hash="", sha256="ab" * 32)
            ledger.record(event, actor=SYSTEM, at=AT)


def test_archived_entries_leave_the_table_and_the_stream_goes_on(committed_db: str) -> None:
    mission = new_mission()
    for number in range(4):
        note(mission, number)
    archive(stream_of(mission), 3)
    note(mission, "more")
    assert list(Entry.objects.in_stream(stream_of(mission)).values_list("seq", flat=True)) == [4, 5]


@pytest.mark.parametrize(
    ("upto", "say", "says"), [(3, False, "archived without"), (9, True, "cannot be"), (0, True, "cannot be")]
)
def test_entries_are_not_archived_untold_or_in_part(committed_db: str, upto: int, say: bool, says: str) -> None:
    mission = new_mission()
    for number in range(4):
        note(mission, number)
    with pytest.raises(DatabaseError, match=says):
        archive(stream_of(mission), upto, say=say)
    assert Entry.objects.in_stream(stream_of(mission)).count() == 4


def test_a_writer_that_falls_silent_loses_its_transaction(committed_db: str) -> None:
    with psycopg.connect(committed_db, options="-c coordinator.longest_hold=1s") as held:
        held.execute(
            "INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, occurred_at, canonical)"
            " VALUES ('org', 'test.noted', 1, 'system', 'x', now(), '{}')"
        )
        idle = held.execute("SELECT current_setting('idle_in_transaction_session_timeout')").fetchone()
        assert idle == ("100ms",)
        with pytest.raises(psycopg.Error, match="timeout"):
            held.execute("SELECT pg_sleep(2)")
    assert not Entry.objects.in_stream("org").exists()


def test_an_erasure_told_of_another_entry_or_of_other_paths_is_refused(committed_db: str) -> None:
    entry, other = told(**FULL), told(**FULL)
    for wrong in ({"seq": 2}, {"of_stream": other.stream}, {"entry": other.pk}, {"paths": ["outputs"]}):
        fields: dict[str, Any] = {"entry": entry.pk, "of_stream": entry.stream, "seq": entry.seq, "paths": ["comment"]}
        with pytest.raises(DatabaseError, match="lost texts"):
            erase_and_tell(entry, ["comment"], TextsErased(**{**fields, **wrong}, reason="law"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceability_erase(%s, NULL)", [entry.pk])
    assert Entry.objects.get(pk=entry.pk).data == FULL


def test_a_writer_does_not_put_its_own_entry_out_of_the_readers_sight(committed_db: str) -> None:
    with ledger.writing():
        ledger.record(Said(mission=new_mission(), **FULL), actor=SYSTEM, at=AT)
    with transaction.atomic():
        note(new_mission())
        with connection.cursor() as cursor:
            cursor.execute("SELECT traceability_rebase()")
            assert cursor.fetchone() == (0,)
    assert Entry.objects.filter(xid="3").count() == 0


@pytest.mark.parametrize(
    ("own", "other", "limit"),
    [
        ("idle_in_transaction_session_timeout", "transaction_timeout", "1min"),
        ("transaction_timeout", "idle_in_transaction_session_timeout", "6s"),
    ],
)
def test_a_limit_of_the_operators_own_does_not_lift_the_other(
    committed_db: str, own: str, other: str, limit: str
) -> None:
    with psycopg.connect(committed_db, options=f"-c {own}=5min") as held:
        held.execute(
            "INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, occurred_at, canonical)"
            " VALUES ('org', 'test.noted', 1, 'system', 'x', now(), '{}')"
        )
        assert held.execute(f"SELECT current_setting('{own}')").fetchone() == ("5min",)
        assert held.execute(f"SELECT current_setting('{other}')").fetchone() == (limit,)
        held.rollback()
