"""Whatever somebody with every right changes by hand is found, at exactly its place."""

import hashlib
from typing import Any

import pytest
from django.db import connection

from coordinator.lib.refs import Ref
from tests.traceability.conftest import new_mission, note, stream_of
from traceability import verifying
from traceability.events import Actor
from traceability.models import Entry, StreamHead

pytestmark = pytest.mark.django_db
ACTOR = Actor("person", 7, "ada@example.org", on_behalf_of="coder", request_id="r-1")


@pytest.fixture
def mission() -> Ref:
    """A mission of five entries, all columns filled."""
    found = new_mission()
    for number in range(5):
        note(found, f"note {number}", actor=ACTOR, task=Ref(3, "t-3"), agent=Ref(4, "a-4"))
    return found


def by_force(statement: str, *values: Any) -> None:
    """As the owner of the tables, who can switch the guards off."""
    with connection.cursor() as cursor:
        for table in ("traceability_entry", "traceability_streamhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        for table in ("traceability_entry", "traceability_streamhead"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def findings(mission: Ref) -> list[tuple[int, str]]:
    return [(each.seq, each.kind) for each in verifying.verify(stream_of(mission)).findings]


def test_an_untouched_chain_is_valid(mission: Ref) -> None:
    told = verifying.verify(stream_of(mission)).as_data()
    head = StreamHead.objects.get(stream=stream_of(mission))
    assert told == {
        "valid": True,
        "entries": 5,
        "head": bytes(head.hash).hex(),
        "first_bad": None,
        "findings": [],
    }


COLUMNS = {
    "kind": "'note.forged'",
    "schema": "9",
    "actor_kind": "'agent'",
    "actor_id": "8",
    "actor_name": "'eve@example.org'",
    "on_behalf_of": "NULL",
    "request_id": "'r-2'",
    "subject_type": "'policy'",
    "subject_id": "1",
    "subject_key": "'p'",
    "mission_id": "1",
    "task_id": "NULL",
    "agent_id": "5",
    "occurred_at": "occurred_at + interval '1 microsecond'",
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_changed_column_is_found_at_exactly_its_entry(mission: Ref, column: str, seq: int) -> None:
    change = f"UPDATE traceability_entry SET {column} = {COLUMNS[column]} WHERE stream = %s AND seq = %s"
    by_force(change, stream_of(mission), seq)
    assert findings(mission) == [(seq, "column_mismatch")]


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize(
    "change", ["canonical = replace(canonical, 'note ', 'Note ')", "recorded_at = recorded_at - interval '1 second'"]
)
def test_a_changed_text_or_time_is_found_at_exactly_its_entry(mission: Ref, seq: int, change: str) -> None:
    by_force(f"UPDATE traceability_entry SET {change} WHERE stream = %s AND seq = %s", stream_of(mission), seq)
    assert findings(mission) == [(seq, "content_modified")]


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"$float":null}', '{"data": {}}', "1"])
def test_a_text_that_is_none_of_ours_is_found_and_does_not_stop_the_check(mission: Ref, text: str) -> None:
    by_force("UPDATE traceability_entry SET canonical = %s WHERE stream = %s AND seq = 2", text, stream_of(mission))
    found = findings(mission)
    assert found[0] == (2, "content_modified")
    assert {seq for seq, _ in found} == {2}


def test_two_changed_entries_are_both_found(mission: Ref) -> None:
    change = "UPDATE traceability_entry SET canonical = canonical || ' ' WHERE stream = %s AND seq IN (2, 4)"
    by_force(change, stream_of(mission))
    assert {seq for seq, kind in findings(mission) if kind == "content_modified"} == {2, 4}
    assert verifying.verify(stream_of(mission)).as_data()["first_bad"]["seq"] == 2


def test_a_removed_entry_is_missed_at_its_number(mission: Ref) -> None:
    by_force("DELETE FROM traceability_entry WHERE stream = %s AND seq = 3", stream_of(mission))
    assert findings(mission) == [(3, "missing")]


def test_a_cut_end_is_found_by_the_head(mission: Ref) -> None:
    by_force("DELETE FROM traceability_entry WHERE stream = %s AND seq > 3", stream_of(mission))
    assert findings(mission) == [(4, "tail_truncated")]


def test_a_whole_stream_that_is_gone_is_found_by_its_head(mission: Ref) -> None:
    by_force("DELETE FROM traceability_entry WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(1, "tail_truncated")]


def test_a_head_that_is_gone_or_changed_is_found(mission: Ref) -> None:
    by_force("UPDATE traceability_streamhead SET hash = '\\x00' WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(5, "head_mismatch")]
    by_force("DELETE FROM traceability_streamhead WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(5, "head_mismatch")]


def test_two_entries_that_changed_places_are_found(mission: Ref) -> None:
    by_force(
        "UPDATE traceability_entry AS one SET canonical = other.canonical FROM traceability_entry AS other"
        " WHERE one.stream = %s AND other.stream = one.stream AND one.seq + other.seq = 6 AND one.seq IN (2, 4)",
        stream_of(mission),
    )
    assert findings(mission) == [(2, "content_modified"), (4, "content_modified")]


def test_the_whole_ledger_names_the_first_bad_entry_of_any_stream(mission: Ref) -> None:
    assert verifying.verify().as_data()["valid"]
    other = new_mission()
    note(other)
    by_force("UPDATE traceability_entry SET actor_name = 'eve' WHERE stream = %s AND seq = 4", stream_of(mission))
    told = verifying.verify().as_data()
    assert told["valid"] is False
    assert (told["first_bad"]["stream"], told["first_bad"]["seq"]) == (stream_of(mission), 4)
    assert told["entries"] == Entry.objects.count()


def test_the_head_of_all_streams_is_the_hash_of_their_heads(mission: Ref) -> None:
    heads = StreamHead.objects.order_by("stream")
    joined = "".join(sorted(f"{head.stream}={bytes(head.hash).hex()}\n" for head in heads))
    if len(heads) > 1:
        assert verifying.verify().head == hashlib.sha256(joined.encode()).hexdigest()
