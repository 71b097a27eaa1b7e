"""The ledger is chained, numbered without a gap, appended with its change or not at all, and never changed."""

import random
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, Noted, at_once, new_mission, note, stream_of
from traceability import canonical, ledger, verifying
from traceability.events import SYSTEM, Actor
from traceability.models import Entry, StreamHead

WRITERS, EACH = 8, 12


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def seqs(mission: Ref) -> list[int]:
    return list(Entry.objects.in_stream(stream_of(mission)).values_list("seq", flat=True))


@pytest.mark.django_db
def test_entries_are_numbered_and_chained_from_a_first_link_of_their_own() -> None:
    mission = new_mission()
    for number in range(3):
        note(mission, number)
    before = verifying.first_link(stream_of(mission))
    for number, entry in enumerate(Entry.objects.in_stream(stream_of(mission)), 1):
        moment = canonical.moment(entry.recorded_at)
        assert entry.seq == number
        before = verifying.link(before, entry.stream, entry.seq, moment, entry.canonical)
        assert bytes(entry.hash) == before
    head = StreamHead.objects.get(stream=stream_of(mission))
    assert (head.seq, bytes(head.hash)) == (3, before)


@pytest.mark.django_db
def test_an_entry_tells_who_what_when_and_for_whom() -> None:
    mission = new_mission()
    actor = Actor("person", 7, "ada@example.org", on_behalf_of="coder", request_id="r-1")
    note(mission, {"share": 0.1}, actor=actor, task=Ref(5, "t-5"))
    entry = Entry.objects.get(stream=stream_of(mission))
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("person", 7, "ada@example.org")
    assert (entry.on_behalf_of, entry.request_id, entry.occurred_at) == ("coder", "r-1", AT)
    assert (entry.key_of("mission"), entry.key_of("task"), entry.key_of("agent")) == (mission.key, "t-5", None)
    assert entry.data == {"text": {"share": 0.1}}


@pytest.mark.django_db
def test_nothing_is_told_outside_a_transaction_of_the_ledger() -> None:
    with pytest.raises(ledger.WrittenOutside):
        ledger.record(Noted(), actor=SYSTEM, at=AT)


@pytest.mark.django_db
def test_an_exception_discards_what_was_told_in_its_block_and_keeps_the_rest() -> None:
    mission = new_mission()
    with ledger.writing():
        ledger.record(Noted(mission=mission, text="outer"), actor=SYSTEM, at=AT)
        with pytest.raises(ZeroDivisionError):
            _tell_and_fail(mission)
    assert [entry.data["text"] for entry in Entry.objects.in_stream(stream_of(mission))] == ["outer"]


def _tell_and_fail(mission: Ref) -> None:
    with ledger.writing():
        ledger.record(Noted(mission=mission, text="inner"), actor=SYSTEM, at=AT)
        raise ZeroDivisionError


def test_a_rollback_leaves_no_gap(committing: None) -> None:
    mission = new_mission()
    for number in range(6):
        with pytest.raises(ZeroDivisionError) if number % 2 else transaction.atomic(), transaction.atomic():
            note(mission, number)
            if number % 2:
                raise ZeroDivisionError
    assert seqs(mission) == [1, 2, 3]
    assert [entry.data["text"] for entry in Entry.objects.in_stream(stream_of(mission))] == [0, 2, 4]
    assert verifying.verify(stream_of(mission)).findings == ()


REWRITES = (
    "UPDATE traceability_entry SET canonical = '{}'",
    "UPDATE traceability_entry SET hash = hash",
    "DELETE FROM traceability_entry",
    "TRUNCATE traceability_entry",
    "TRUNCATE traceability_entry CASCADE",
    "DELETE FROM traceability_streamhead",
    "TRUNCATE traceability_streamhead",
)


@pytest.mark.django_db
@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("replica", [False, True])
def test_history_is_append_only_for_everybody(rewrite: str, replica: bool) -> None:
    mission = new_mission()
    note(mission)
    if replica:
        sql("SET LOCAL session_replication_role = replica")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(rewrite)
    assert verifying.verify(stream_of(mission)).entries == 1


BY_HAND = """
INSERT INTO traceability_entry (id, stream, seq, kind, schema, actor_kind, actor_name, occurred_at, recorded_at,
    canonical, hash, xid)
VALUES (%s, %s, 1, 'forged', 1, 'system', 'x', now(), '2000-01-01', '{}', 'forged', '1')
"""


@pytest.mark.django_db
@pytest.mark.parametrize("also", ["", " ON CONFLICT (id) DO UPDATE SET canonical = 'forged'"])
def test_whoever_writes_past_the_pen_only_appends_with_the_databases_own_figures(also: str) -> None:
    mission = new_mission()
    note(mission, "first")
    first = Entry.objects.get(stream=stream_of(mission))
    sql(BY_HAND + also, first.pk, stream_of(mission))
    stored = list(Entry.objects.in_stream(stream_of(mission)))
    assert [entry.seq for entry in stored] == [1, 2]
    assert (stored[0].canonical, stored[0].hash) == (first.canonical, first.hash)
    assert stored[1].pk > first.pk
    assert stored[1].recorded_at >= first.recorded_at
    assert bytes(stored[1].hash) != b"forged"


@pytest.mark.django_db
@pytest.mark.parametrize("stream", ["", "mission:", "mission:x", "task:1", "org ", "mission:1\x1f2"])
def test_a_stream_that_is_none_is_refused(stream: str) -> None:
    with pytest.raises(DatabaseError, match="is not a stream"), transaction.atomic():
        sql(BY_HAND, 1, stream)


@pytest.mark.parametrize("missions", [1, 8])
def test_eight_writers_at_once_leave_no_gap_and_no_fork(missions: int, committing: None) -> None:
    named = [new_mission() for _ in range(missions)]

    def write(seed: int) -> int:
        chance, kept = random.Random(seed), 0
        for number in range(EACH):
            try:
                with transaction.atomic():
                    _tell_several(chance.sample(named, k=min(3, missions)), number)
                    if chance.random() < 0.2:
                        raise ZeroDivisionError
                kept += 1
            except ZeroDivisionError:
                continue
        return kept * min(3, missions)

    kept = at_once([partial(write, seed) for seed in range(WRITERS)])
    assert sum(len(seqs(mission)) for mission in named) == sum(kept)
    for mission in named:
        assert seqs(mission) == list(range(1, len(seqs(mission)) + 1))
        ids = list(Entry.objects.in_stream(stream_of(mission)).values_list("pk", flat=True))
        assert ids == sorted(ids)
        assert verifying.verify(stream_of(mission)).findings == ()


def _tell_several(missions: list[Ref], number: int) -> None:
    """In any order: the ledger sorts the streams, so that two writers never wait for each other in a circle."""
    with ledger.writing():
        for mission in missions:
            ledger.record(Noted(mission=mission, text=number), actor=SYSTEM, at=AT)


def test_two_installations_have_no_link_in_common() -> None:
    first = verifying.link(b"", "org", 1, "t", "{}")
    assert first != verifying.link(b"", "mission:1", 1, "t", "{}")
    assert first != verifying.link(b"\x01", "org", 1, "t", "{}")
