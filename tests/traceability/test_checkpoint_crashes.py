"""Checkpoints after crashes: rows and files agree again, and no number ever has two notes."""

import pytest

from coordinator.lib.refs import Ref
from tests.traceability.force import all_findings, by_force, say
from tests.traceability.shelf import Shelf, fixed, shelf
from traceability.models import Checkpoint
from traceability.services.checkpointing import NotOurCheckpoint

__all__ = ["fixed", "shelf"]
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


def test_a_note_without_its_row_gets_one(shelf: Shelf, fixed: Ref) -> None:
    """The process died after the files and before the commit."""
    row = Checkpoint.objects.get(n=3)
    by_force("DELETE FROM traceability_checkpoint WHERE n = 3")
    assert shelf.take() is None
    again = Checkpoint.objects.get(n=3)
    assert (again.note, bytes(again.heads), again.at) == (row.note, bytes(row.heads), row.at)
    say(fixed, "more")
    assert shelf.take()
    assert shelf.wrong() == []


def test_rows_without_their_files_get_them_back(shelf: Shelf, fixed: Ref) -> None:
    whole = {path.name: path.read_bytes() for path in shelf.directory.iterdir()}
    for number in (1, 2, 3):
        shelf.note(number).unlink()
        shelf.heads(number).unlink()
    assert shelf.take() is None
    assert {path.name: path.read_bytes() for path in shelf.directory.iterdir()} == whole
    assert all_findings(shelf.record()) == ()


def test_a_leftover_of_heads_without_a_note_is_written_over(shelf: Shelf, fixed: Ref) -> None:
    shelf.heads(4).write_bytes(b"half")
    say(fixed, "more")
    assert shelf.take()
    assert shelf.wrong() == []


def test_a_note_that_reads_otherwise_than_its_row_stops_the_next_one(shelf: Shelf, fixed: Ref) -> None:
    text = shelf.note(3).read_text()
    shelf.note(3).write_text(text.replace("streams", "Streams"))
    say(fixed, "more")
    with pytest.raises(NotOurCheckpoint):
        shelf.take()


def test_a_lost_directory_is_written_again_with_all_keys(shelf: Shelf, fixed: Ref) -> None:
    shelf.rotate()
    whole = {path.name: path.read_bytes() for path in shelf.directory.iterdir()}
    for path in shelf.directory.iterdir():
        path.unlink()
    assert shelf.take() is None
    assert {path.name: path.read_bytes() for path in shelf.directory.iterdir()} == whole
    assert shelf.wrong() == []
