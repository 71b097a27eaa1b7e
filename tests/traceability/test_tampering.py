"""One character of one column of one entry, changed by somebody with every right: exactly that entry is named, once."""

import pytest

from coordinator.lib.refs import Ref
from tests.traceability.conftest import new_mission, stream_of
from tests.traceability.force import all_findings, by_force, change, findings, move_head, remove, say, told
from traceability import canonical, verifying
from traceability.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


@pytest.fixture
def mission() -> Ref:
    return told(5)


COLUMNS = {
    "id": ("id = id + 1000000000", "column_mismatch"),
    "kind": ("kind = 'note.saie'", "column_mismatch"),
    "schema": ("schema = 2", "column_mismatch"),
    "actor_kind": ("actor_kind = 'persom'", "column_mismatch"),
    "actor_id": ("actor_id = 8", "column_mismatch"),
    "actor_name": ("actor_name = 'eda@example.org'", "column_mismatch"),
    "on_behalf_of": ("on_behalf_of = 'coden'", "column_mismatch"),
    "request_id": ("request_id = 'r-2'", "column_mismatch"),
    "subject_type": ("subject_type = 'policx'", "column_mismatch"),
    "subject_id": ("subject_id = 6", "column_mismatch"),
    "subject_key": ("subject_key = 'p-6'", "column_mismatch"),
    "mission_id": ("mission_id = mission_id + 1", "column_mismatch"),
    "task_id": ("task_id = 2", "column_mismatch"),
    "agent_id": ("agent_id = 5", "column_mismatch"),
    "occurred_at": ("occurred_at = occurred_at + interval '1 microsecond'", "column_mismatch"),
    "recorded_at": ("recorded_at = recorded_at + interval '1 microsecond'", "content_modified"),
    "canonical": ("canonical = replace(canonical, 'ada@', 'eda@')", "content_modified"),
    "hash": ("hash = set_byte(hash, 7, get_byte(hash, 7) # 1)", "content_modified"),
    "body": ("body = replace(body, 'text ', 'Text ')", "payload_modified"),
    "seq": ("seq = seq + 20", "reordered"),
    "stream": ("stream = stream || '0'", "reordered"),
}
UNCOVERED = {"xid"}
"""The database's own transaction id is no history: a restored database gets it anew."""


def test_no_column_of_an_entry_is_left_out() -> None:
    assert set(COLUMNS) | UNCOVERED == {column.column for column in Entry._meta.concrete_fields}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_one_changed_character_names_exactly_its_entry(mission: Ref, column: str, seq: int) -> None:
    assignment, kind = COLUMNS[column]
    other = told(2)
    change(mission, seq, assignment)
    found = [(each.stream, each.seq, each.kind) for each in all_findings()]
    assert found == [(stream_of(mission), seq, kind)]
    assert findings(other) == []


EMPTIED = [
    "actor_id", "on_behalf_of", "request_id", "subject_type", "subject_id", "subject_key", "mission_id", "task_id",
    "agent_id", "body",
]  # fmt: skip


@pytest.mark.parametrize("column", EMPTIED)
def test_an_emptied_column_names_exactly_its_entry(mission: Ref, column: str) -> None:
    change(mission, 3, f"{column} = NULL")
    assert findings(mission) == [(3, "payload_modified" if column == "body" else "column_mismatch")]


@pytest.mark.parametrize("column", ["id", "recorded_at", "canonical", "hash", "body", "actor_name", "kind"])
def test_two_changed_entries_are_both_named(mission: Ref, column: str) -> None:
    assignment, kind = COLUMNS[column]
    for seq in (2, 3):
        change(mission, seq, assignment)
    assert findings(mission) == [(2, kind), (3, kind)]


@pytest.mark.parametrize(
    ("first", "second"), [("canonical", "hash"), ("hash", "canonical"), ("body", "recorded_at"), ("kind", "hash")]
)
def test_two_different_changes_of_neighbours_are_both_named(mission: Ref, first: str, second: str) -> None:
    change(mission, 3, COLUMNS[first][0])
    change(mission, 4, COLUMNS[second][0])
    assert findings(mission) == [(3, COLUMNS[first][1]), (4, COLUMNS[second][1])]


@pytest.mark.parametrize("column", ["canonical", "recorded_at", "kind", "body", "id", "hash"])
@pytest.mark.parametrize("moved", ["seq", "stream"])
def test_a_moved_entry_does_not_hide_a_change_of_the_next_one(mission: Ref, moved: str, column: str) -> None:
    change(mission, 3, COLUMNS[column][0])
    change(mission, 2, COLUMNS[moved][0])
    assert findings(mission) == [(2, "reordered"), (3, COLUMNS[column][1])]


def test_several_changes_of_one_entry_are_one_finding(mission: Ref) -> None:
    change(mission, 3, "actor_name = 'eve', task_id = 9")
    (found,) = all_findings()
    assert (found.seq, found.kind, found.detail) == (3, "column_mismatch", "actor_name, task_id differ from the text")


def test_an_id_that_is_out_of_its_place_is_named(mission: Ref) -> None:
    change(mission, 4, "id = -id")
    assert findings(mission) == [(4, "column_mismatch")]


def test_a_removed_entry_in_the_middle_is_missing(mission: Ref) -> None:
    remove(mission, "seq = 3")
    assert findings(mission) == [(3, "missing")]


def test_removed_neighbours_are_one_finding_and_a_change_beside_them_another(mission: Ref) -> None:
    remove(mission, "seq IN (2, 3)")
    change(mission, 5, "actor_name = 'eve'")
    assert findings(mission) == [(2, "missing"), (5, "column_mismatch")]


def test_the_first_entry_is_missed(mission: Ref) -> None:
    remove(mission, "seq = 1")
    assert findings(mission) == [(1, "missing")]


@pytest.mark.parametrize(("one", "other"), [(2, 4), (2, 3), (1, 5), (4, 5)])
def test_entries_that_changed_places_are_named_as_that(mission: Ref, one: int, other: int) -> None:
    change(mission, one, "seq = -1")
    change(mission, other, "seq = %s", one)
    change(mission, -1, "seq = %s", other)
    assert findings(mission) == [(one, "reordered"), (other, "reordered")]


@pytest.mark.parametrize("columns", ["canonical", "canonical, recorded_at", "canonical, recorded_at, hash"])
def test_texts_that_changed_places_are_named_as_that(mission: Ref, columns: str) -> None:
    swapped = ", ".join(f"{name} = other.{name}" for name in columns.split(", "))
    by_force(
        f"UPDATE traceability_entry AS one SET {swapped} FROM traceability_entry AS other"
        " WHERE one.stream = %s AND other.stream = one.stream AND one.seq + other.seq = 6 AND one.seq IN (2, 4)",
        stream_of(mission),
    )
    assert findings(mission) == [(2, "reordered"), (4, "reordered")]


@pytest.mark.parametrize("seq", [-3, 0, 6, 40])
def test_an_entry_that_was_put_in_is_named(mission: Ref, seq: int) -> None:
    by_force(
        "INSERT INTO traceability_entry SELECT (entry).* FROM (SELECT jsonb_populate_record(entry, jsonb_build_object("
        "'id', nextval('traceability_entry_order'), 'seq', %s::bigint)) AS entry FROM traceability_entry AS entry"
        " WHERE stream = %s AND seq = 5) AS made",
        seq, stream_of(mission),
    )  # fmt: skip
    assert findings(mission) == [(seq, "duplicate")]


@pytest.mark.parametrize("forged_first", [True, False])
def test_a_second_entry_under_one_number_is_named(mission: Ref, forged_first: bool) -> None:
    by_force("ALTER TABLE traceability_entry DROP CONSTRAINT one_entry_per_stream_and_seq")
    by_force(
        "INSERT INTO traceability_entry SELECT (entry).* FROM (SELECT jsonb_populate_record(entry, jsonb_build_object("
        "'id', CASE WHEN %s THEN -1 ELSE nextval('traceability_entry_order') END, 'hash', '\\x00'::bytea,"
        " 'actor_name', 'eve')) AS entry FROM traceability_entry AS entry WHERE stream = %s AND seq = 3) AS made",
        forged_first, stream_of(mission),
    )  # fmt: skip
    assert findings(mission) == [(3, "duplicate")]


def test_a_cut_end_is_found_by_the_head(mission: Ref) -> None:
    remove(mission, "seq > 3")
    assert findings(mission) == [(4, "tail_truncated")]


def test_a_stream_that_is_gone_is_found_by_its_head(mission: Ref) -> None:
    remove(mission)
    assert findings(mission) == [(1, "stream_deleted")]


def test_a_head_that_is_gone_or_changed_is_found(mission: Ref) -> None:
    by_force("UPDATE traceability_streamhead SET hash = '\\x00' WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(5, "head_mismatch")]
    by_force("UPDATE traceability_streamhead SET seq = 3 WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(4, "head_mismatch")]
    by_force("DELETE FROM traceability_streamhead WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(5, "head_mismatch")]


def test_a_cut_end_whose_head_was_moved_too_is_not_seen_by_the_chain_alone(mission: Ref) -> None:
    remove(mission, "seq > 3")
    move_head(mission)
    assert findings(mission) == []


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"$float":null}', '{"data": {}}', "1", "[" * 2000, '{"data":1.5}', "1e999"]
)
def test_a_text_that_is_none_of_ours_is_found_and_does_not_stop_the_check(mission: Ref, text: str) -> None:
    change(mission, 2, "canonical = %s", text)
    assert findings(mission) == [(2, "content_modified")]


FORMS = {
    "a space": ("replace(canonical, '\"data\":', '\"data\": ')"),
    "an escape": "replace(canonical, 'ada@', '\\u0061da@')",
    "a float": "replace(canonical, '\"schema\":1', '\"schema\":1.0')",
    "too large a number": "replace(canonical, '\"$$odd\":1', '\"$$odd\":9007199254740992')",
    "a float's other form": "replace(canonical, '\"0.5\"', '\"0.50\"')",
    "a key that is not ours": "replace(canonical, '\"$$odd\":1', '\"$odd\":1')",
    "a key told twice": 'replace(canonical, \'"schema":1\', \'"schema":2,"schema":1\')',
}


@pytest.mark.parametrize("form", FORMS)
def test_a_text_in_another_form_is_found_even_where_the_chain_was_made_to_fit(mission: Ref, form: str) -> None:
    was = Entry.objects.get(stream=stream_of(mission), seq=5)
    change(mission, 5, f"canonical = {FORMS[form]}")
    entry = Entry.objects.get(stream=stream_of(mission), seq=5)
    assert entry.canonical != was.canonical
    at = canonical.moment(entry.recorded_at)
    before = bytes(Entry.objects.get(stream=stream_of(mission), seq=4).hash)
    change(mission, 5, "hash = %s", verifying.link(before, stream_of(mission), 5, at, entry.canonical))
    move_head(mission)
    assert findings(mission) == [(5, "non_canonical")]


BODIES = {
    "another value": "replace(body, 'text 3', 'text 4')",
    "another salt": 'regexp_replace(body, \'"salt":"..\', \'"salt":"zz\')',
    "a path more": 'replace(body, \'{"more.inner"\', \'{"extra":{"salt":"","value":1},"more.inner"\')',
    "a path less": "(body::jsonb - 'text')::text",
    "another name": "replace(body, '\"text\"', '\"texx\"')",
    "another form": "body || ' '",
    "no json": "'no json'",
    "no object": "'[]'",
    "no parts": "'{\"text\": 1}'",
    "nothing": "'{}'",
}


@pytest.mark.parametrize("body", BODIES)
def test_whatever_is_done_to_the_texts_beside_an_entry_is_named(mission: Ref, body: str) -> None:
    change(mission, 3, f"body = {BODIES[body]}")
    assert findings(mission) == [(3, "payload_modified")]


def test_a_text_beside_an_entry_that_has_none_is_named() -> None:
    mission = new_mission()
    say(mission, "")
    change(mission, 1, 'body = replace(body, \'}}}\', \'}},"text":{"salt":"0","value":"made up"}}\')')
    assert findings(mission) == [(1, "payload_modified")]
