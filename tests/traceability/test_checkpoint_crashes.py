"""Checkpoints after crashes: rows and files agree again, and no number ever has two notes."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT
from tests.traceability.force import all_findings, by_force, findings, move_head, remove, say
from tests.traceability.shelf import Shelf, fixed, shelf
from traceability import checkpoints, notes, verifying
from traceability.keys import SecretKey
from traceability.models import Checkpoint, Installation
from traceability.proving.walk import Place
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


def put_in(shelf: Shelf, signer: SecretKey, **changes: Any) -> None:
    """As whoever may insert: a row that follows, with a note in the right form that somebody else signed."""
    newest = Checkpoint.objects.order_by("-n")[0]
    last = notes.read(newest.note)
    text = checkpoints.lines_of({"org": Place(1, bytes(32))})
    heads = hashlib.sha256(text.encode()).hexdigest()
    note = replace(last, number=newest.n + 1, prev=last.digest, heads=heads, key=str(signer.public)).signed(signer)
    row = Checkpoint(
        n=note.number, at=newest.at, size=note.size, streams=note.streams, root=note.root, prev_hash=note.prev,
        note=note.text, heads=checkpoints.packed(text),
    )  # fmt: skip
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


@pytest.fixture
def stranger(fixed: Ref) -> SecretKey:
    return SecretKey.made(checkpoints.origin(Installation.objects.get().uuid))


@pytest.mark.parametrize(
    "changes",
    [{"n": 100_000_000}, {"n": 0}, {"note": "x"}, {"size": 0}, {"root": b""}, {"published_at": AT}, {"at": AT}],
)
def test_a_row_that_does_not_follow_or_says_otherwise_than_its_note_is_refused(
    shelf: Shelf, stranger: SecretKey, changes: dict[str, Any]
) -> None:
    with pytest.raises(DatabaseError, match="this is not checkpoint 4"), transaction.atomic():
        put_in(shelf, stranger, **changes)


def test_a_row_that_a_stranger_signed_is_found_passed_over_and_sent_to_nobody(
    shelf: Shelf, fixed: Ref, stranger: SecretKey, settings: Any
) -> None:
    settings.CHECKPOINT_DIR = shelf.directory
    put_in(shelf, stranger)
    assert shelf.wrong() == [(4, "bad_signature")]
    say(fixed, "text 7")
    for number in (5, 6):
        taken = shelf.take()
        assert taken is not None
        assert taken.n == number
        say(fixed, "more")
    assert checkpoints.numbers(shelf.directory) == [1, 2, 3, 5, 6]
    assert str(stranger.public) not in (shelf.directory / "keys.txt").read_text()
    assert [(each.stream, each.seq, each.kind) for each in verifying.prove().findings] == [
        ("checkpoint", 4, "bad_signature")
    ]
    assert [row.n for row in checkpoints.signed(Checkpoint.objects.unsent())] == [1, 2, 3, 5, 6]
    remove(fixed, "seq > 6")
    move_head(fixed)
    assert (7, "tail_truncated") in findings(fixed, shelf.record())


def test_a_number_far_away_is_one_gap(shelf: Shelf, fixed: Ref) -> None:
    by_force(
        "INSERT INTO traceability_checkpoint (n, at, size, streams, root, prev_hash, note, heads)"
        " VALUES (100000000, now(), 0, 0, '', '', 'x', '')"
    )
    assert shelf.wrong() == [(4, "checkpoint_gap"), (100_000_000, "bad_signature")]
    say(fixed, "more")
    taken = shelf.take()
    assert taken is not None
    assert taken.n == 100_000_001


@pytest.mark.parametrize("change", ["size = 1", "at = now()", "root = '\\x00'", "heads = ''", "prev_hash = ''"])
def test_a_column_of_a_row_that_says_otherwise_than_its_note_is_found(
    shelf: Shelf, fixed: Ref, settings: Any, change: str
) -> None:
    settings.CHECKPOINT_DIR = shelf.directory
    by_force(f"UPDATE traceability_checkpoint SET {change} WHERE n = 2")
    assert [(each.seq, each.kind) for each in verifying.prove().findings] == [(2, "checkpoint_gap")]
    assert [each.seq for each in verifying.of_this_installation().findings] == [2]
