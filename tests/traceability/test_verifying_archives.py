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
from tests.traceability.conftest import stream_of
from tests.traceability.force import all_findings, by_force, findings, say, told
from tests.traceability.shelf import Shelf, shelf
from traceability import archiving, verifying
from traceability.events import SYSTEM
from traceability.models import Archive
from traceability.services import archiving as moving

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
    assert findings(archived, shelf.record()) == [(3, "column_mismatch")]


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
