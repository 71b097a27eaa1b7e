"""Archived entries are checked in their files: one character changed there names the same entry as in the table."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, at_once, stream_of
from tests.traceability.force import all_findings, append, by_force, findings, remove, rewrite, say, told
from tests.traceability.shelf import Shelf, shelf
from traceability import archiving, ledger, verifying
from traceability.events import SYSTEM, TextsErased
from traceability.models import Archive
from traceability.proving import archives
from traceability.services import archiving as moving
from traceability.services import erasing_archived
from traceability.services.archiving import NotIntact

__all__ = ["shelf"]
pytestmark = pytest.mark.breaks_history


@pytest.fixture
def archived(committed_db: str, shelf: Shelf, tmp_path: Path, settings: Any) -> Ref:
    """A mission whose five entries stand in a file, fixed by a checkpoint before, and one more in the table."""
    settings.ARCHIVE_DIR = tmp_path / "archive"
    mission = told(5)
    shelf.take()
    list(moving.archive(stream_of(mission), archiving.directory(), actor=SYSTEM, now=timezone.now()))
    say(mission, "text 6")
    return mission


def file_of(mission: Ref) -> Path:
    return archiving.path_of(Archive.objects.get(stream=stream_of(mission)))


def edit(mission: Ref, line: int, change: Callable[[dict[str, Any]], None], *, refit: bool = False) -> None:
    """Changes one entry in the file; `refit` makes the row's digest fit it, as the database's owner could."""
    path = file_of(mission)
    lines = gzip.decompress(path.read_bytes()).splitlines()
    entry = json.loads(lines[line])
    change(entry)
    lines[line] = json.dumps(entry).encode()
    path.write_bytes(gzip.compress(b"".join(each + b"\n" for each in lines)))
    if refit:
        by_force("ALTER TABLE traceability_archive DISABLE TRIGGER USER")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        by_force("UPDATE traceability_archive SET sha256 = %s WHERE stream = %s", digest, stream_of(mission))


def test_an_archived_stream_is_whole_in_file_and_table(archived: Ref, shelf: Shelf) -> None:
    proof = verifying.verify(stream_of(archived), record=shelf.record())
    assert (proof.entries, proof.findings, proof.unchecked) == (6, (), ())
    assert verifying.verify(record=shelf.record(), fast=True).findings == ()


COLUMNS: dict[str, tuple[Any, str]] = {
    "actor_name": ("eve@example.org", "column_mismatch"),
    "task_id": (9, "column_mismatch"),
    "recorded_at": ("2026-01-01T00:00:00.000000Z", "content_modified"),
    "hash": ("00" * 32, "content_modified"),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_entry_in_the_file_is_named(archived: Ref, shelf: Shelf, column: str) -> None:
    value, kind = COLUMNS[column]
    edit(archived, 3, lambda entry: entry.update({column: value}))
    found = findings(archived, shelf.record())
    assert sorted(found) == sorted([(1, "archive_modified"), (3, kind)])


def test_a_changed_entry_whose_digest_was_made_to_fit_is_named(archived: Ref, shelf: Shelf) -> None:
    edit(archived, 3, lambda entry: entry.update(actor_name="eve@example.org"), refit=True)
    assert findings(archived, shelf.record()) == [(1, "archive_mismatch"), (3, "column_mismatch")]


def test_a_stream_that_was_deleted_and_said_to_be_archived_is_found(shelf: Shelf, committed_db: str) -> None:
    mission = told(3)
    shelf.take()
    no_guards_on_archives()
    by_force(
        "INSERT INTO traceability_archive (stream, first_seq, last_seq, last_id, hash, sha256, xid)"
        " SELECT stream, 1, seq, 1, hash, repeat('0', 64), pg_current_xact_id() FROM traceability_streamhead"
        " WHERE stream = %s",
        stream_of(mission),
    )
    remove(mission)
    for fast in (False, True):
        proof = verifying.verify(record=shelf.record(), fast=fast)
        assert [(each.seq, each.kind) for each in proof.findings] == [(1, "archive_mismatch")]
    alone = verifying.prove(stream_of(mission)).as_data()
    assert (alone["valid"], alone["first_bad"]["kind"]) == (False, "archive_mismatch")


def no_guards_on_archives() -> None:
    by_force("ALTER TABLE traceability_archive DISABLE TRIGGER USER")


def test_a_file_that_is_away_is_not_said_to_be_valid_and_the_quick_check_says_so_too(
    archived: Ref, shelf: Shelf
) -> None:
    file_of(archived).unlink()
    proof = verifying.verify(record=shelf.record(), fast=True)
    assert [each.kind for each in proof.unchecked] == ["archive_missing"]
    assert proof.as_data()["valid"] is False


def test_the_quick_check_compares_what_stands_in_files_with_the_checkpoints(archived: Ref, shelf: Shelf) -> None:
    assert verifying.verify(record=shelf.record(), fast=True).entries == 7
    edit(archived, 3, lambda entry: entry.update(hash="00" * 32), refit=True)
    assert (3, "content_modified") in [
        (each.seq, each.kind) for each in verifying.verify(record=shelf.record(), fast=True).findings
    ]


def test_the_hash_in_the_row_of_a_file_that_is_away_is_compared_with_the_checkpoints(
    archived: Ref, shelf: Shelf
) -> None:
    file_of(archived).unlink()
    no_guards_on_archives()
    by_force("UPDATE traceability_archive SET hash = '\\x00'")
    assert (5, "rewritten_before_checkpoint") in findings(archived, shelf.record())


def test_another_last_id_in_the_row_of_a_file_is_found(archived: Ref, shelf: Shelf) -> None:
    no_guards_on_archives()
    by_force("UPDATE traceability_archive SET last_id = 0")
    assert findings(archived, shelf.record()) == [(5, "archive_mismatch")]


def test_the_time_of_a_head_whose_entries_all_stand_in_files_is_checked(archived: Ref, shelf: Shelf) -> None:
    remove(archived)
    by_force(
        "UPDATE traceability_streamhead AS head SET seq = 5, hash = archive.hash, at = '2099-01-01'"
        " FROM traceability_archive AS archive WHERE head.stream = archive.stream"
    )
    assert findings(archived, shelf.record()) == [(5, "head_mismatch")]


def test_an_erasure_in_the_middle_of_a_check_is_no_finding(
    archived: Ref, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check has read what was erased and not yet the files; an operator erases, and the file is written anew."""
    walks, stream = archives.walks, stream_of(archived)

    def erase() -> None:
        with ledger.writing():
            event = TextsErased(
                mission=archived, entry=Archive.objects.get(stream=stream).last_id - 3, of_stream=stream, seq=2,
                paths=["text"], reason="by law",
            )  # fmt: skip
            ledger.record(event, actor=SYSTEM, at=AT)
            erasing_archived.take_out(stream, 2, ["text"])

    def late(*given: Any) -> Any:
        monkeypatch.setattr(archives, "walks", walks)
        at_once([erase])
        return walks(*given)

    monkeypatch.setattr(archives, "walks", late)
    proof = verifying.verify(record=shelf.record())
    assert (proof.findings, [each.kind for each in proof.remarks]) == ((), ["erased"])


@pytest.mark.parametrize(
    "data",
    [
        "{}",
        "[]",
        '{"of_stream":"org","named":{"sprint":[[]]}}',
        '{"of_stream":[],"first_seq":{},"last_seq":"x"}',
        '"x"',
    ],
)
def test_an_odd_telling_of_an_archive_does_not_stop_the_check(archived: Ref, shelf: Shelf, data: str) -> None:
    append("trace.archived", f'{{"data":{data}}}')
    assert archiving.streams_naming("sprint", [1]) == set()
    assert {(each.stream, each.kind) for each in all_findings(shelf.record())} == {("org", "non_canonical")}


def test_a_file_that_is_away_is_said_to_be_unchecked_and_the_rest_still_holds(archived: Ref, shelf: Shelf) -> None:
    file_of(archived).unlink()
    proof = verifying.verify(record=shelf.record())
    assert proof.findings == ()
    assert [(each.stream, each.seq, each.kind) for each in proof.unchecked] == [
        (stream_of(archived), 1, "archive_missing")
    ]
    by_force("UPDATE traceability_entry SET actor_name = 'eve' WHERE stream = %s", stream_of(archived))
    assert findings(archived, shelf.record()) == [(6, "column_mismatch")]


def test_an_archive_row_that_is_gone_leaves_a_hole(archived: Ref, shelf: Shelf) -> None:
    by_force("ALTER TABLE traceability_archive DISABLE TRIGGER USER")
    by_force("DELETE FROM traceability_archive")
    assert [each.kind for each in all_findings(shelf.record())] == ["missing"]
    assert [each.kind for each in verifying.verify(record=shelf.record(), fast=True).findings] == ["missing"]


def test_a_stream_that_was_written_anew_after_a_checkpoint_is_not_archived(
    committed_db: str, shelf: Shelf, tmp_path: Path, settings: Any
) -> None:
    settings.CHECKPOINT_DIR, settings.ARCHIVE_DIR = shelf.directory, tmp_path / "archive"
    mission, other = told(3), told(2)
    shelf.take()
    rewrite(mission, 2, "ada@example.org", "eve@example.org")
    assert findings(mission) == []
    with pytest.raises(NotIntact, match="rewritten_before_checkpoint"):
        list(moving.archive(stream_of(mission), archiving.directory(), actor=SYSTEM, now=AT))
    assert list(moving.archive(stream_of(other), archiving.directory(), actor=SYSTEM, now=AT))
