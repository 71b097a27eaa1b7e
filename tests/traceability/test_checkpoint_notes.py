"""Whatever is done to the checkpoints themselves is found."""

from typing import Any

import pytest

from coordinator.lib.refs import Ref
from tests.traceability.conftest import new_mission
from tests.traceability.force import by_force, findings, move_head, remove, rewrite, say, told
from tests.traceability.shelf import Shelf, fixed, shelf
from traceability import checkpoints, notes, verifying
from traceability.keys import SecretKey
from traceability.models import Installation

__all__ = ["fixed", "shelf"]
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


def test_a_changed_note_is_found_by_its_signature(shelf: Shelf, fixed: Ref) -> None:
    text = shelf.note(2).read_text()
    shelf.note(2).write_text(text.replace("streams 1", "streams 2"))
    assert (2, "bad_signature") in shelf.wrong(rows={})


def test_every_changed_byte_of_a_note_is_found(shelf: Shelf, fixed: Ref) -> None:
    whole = shelf.note(3).read_bytes()
    for at in range(len(whole)):
        shelf.note(3).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert shelf.wrong(rows={}) == [(3, "bad_signature")], whole[:at]


def test_a_note_that_somebody_else_signed_is_found(shelf: Shelf, fixed: Ref) -> None:
    forger = SecretKey.made(checkpoints.origin(Installation.objects.get().uuid))
    forged = notes.read(shelf.note(3).read_text()).signed(forger)
    shelf.note(3).write_text(forged.text)
    with (shelf.directory / "keys.txt").open("a") as file:
        file.write(f"{forger.public}\n")
    assert (3, "bad_signature") in shelf.wrong()


def test_a_missing_note_is_a_gap_and_the_rest_still_counts(shelf: Shelf, fixed: Ref) -> None:
    shelf.note(2).unlink()
    assert shelf.wrong(rows={}) == [(2, "checkpoint_gap")]
    rewrite(fixed, 6, "ada@example.org", "eve@example.org")
    assert (6, "rewritten_before_checkpoint") in findings(fixed, shelf.record(rows={}))


def test_a_note_whose_files_another_machine_has_is_read_from_its_row(shelf: Shelf, fixed: Ref) -> None:
    shelf.note(3).unlink()
    shelf.heads(3).unlink()
    assert shelf.wrong() == []
    assert shelf.record().seen.checked == 3
    remove(fixed, "seq > 5")
    move_head(fixed)
    assert findings(fixed, shelf.record()) == [(6, "tail_truncated")]
    by_force("UPDATE traceability_checkpoint SET note = replace(note, 'streams 1', 'streams 2') WHERE n = 3")
    assert shelf.wrong() == [(3, "bad_signature")]


def test_notes_that_changed_places_are_found(shelf: Shelf, fixed: Ref) -> None:
    one, other = shelf.note(2).read_text(), shelf.note(3).read_text()
    shelf.note(2).write_text(other)
    shelf.note(3).write_text(one)
    assert {(2, "checkpoint_gap"), (3, "checkpoint_gap")} <= set(shelf.wrong(rows={}))


def test_a_row_that_reads_otherwise_is_found(shelf: Shelf, fixed: Ref) -> None:
    by_force("UPDATE traceability_checkpoint SET note = note || ' ' WHERE n = 2")
    assert shelf.wrong() == [(2, "checkpoint_gap")]


def test_an_edited_heads_file_is_found(shelf: Shelf, fixed: Ref) -> None:
    text = checkpoints.unpacked(shelf.heads(2).read_bytes())
    shelf.heads(2).write_bytes(checkpoints.packed(text.replace(" 4 ", " 3 ")))
    assert shelf.wrong() == [(2, "checkpoint_gap")]
    shelf.heads(2).write_bytes(b"no gzip")
    assert shelf.wrong() == [(2, "checkpoint_gap")]
    shelf.heads(2).unlink()
    assert shelf.wrong(rows={}) == [(2, "checkpoint_gap")]


def test_without_notes_or_keys_nothing_is_said_to_be_checked(shelf: Shelf) -> None:
    told(1)
    assert [each.kind for each in shelf.record().unchecked] == ["notes_missing"]
    shelf.take()
    (shelf.directory / "keys.txt").unlink()
    assert [each.kind for each in shelf.record().unchecked] == ["keys_missing"]


def test_whoever_kept_the_public_key_needs_no_other(shelf: Shelf, fixed: Ref) -> None:
    ours = shelf.keyring.key(checkpoints.origin(Installation.objects.get().uuid)).public
    assert shelf.wrong(keys=[ours]) == []
    (shelf.directory / "keys.txt").unlink()
    assert shelf.wrong(keys=[ours]) == []
    stranger = SecretKey.made(ours.name).public
    assert shelf.wrong(keys=[stranger])[0] == (1, "bad_signature")


def test_a_replaced_past_is_found_by_what_was_remembered(shelf: Shelf, fixed: Ref) -> None:
    """Somebody who has even the key makes all notes anew: the check's own memory and kept copies find it."""
    checkpoints.remember(shelf.directory, shelf.record().notes[-1], "2026-06-01T13:00:00Z")
    assert shelf.wrong() == []
    memory = (shelf.directory / "verified.json").read_bytes()
    by_force("DELETE FROM traceability_checkpoint")
    for path in shelf.directory.iterdir():
        path.unlink()
    say(fixed, "another past")
    for _ in range(3):
        say(fixed, "another past")
        shelf.take()
    assert shelf.wrong() == []
    (shelf.directory / "verified.json").write_bytes(memory)
    assert shelf.wrong() == [(3, "checkpoint_gap")]


def test_the_latest_checkpoints_are_enough_to_find_what_was_done_before_them(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The pages and the API read those of a day or two; the keys of all that lie before still count."""
    settings.CHECKPOINT_DIR = shelf.directory
    monkeypatch.setattr(checkpoints, "EVERY_FULL", 3)
    mission, other = told(2), new_mission()
    shelf.take()
    shelf.rotate()
    for number in range(8):
        say(other, f"{number}")
        shelf.take()
    assert verifying.latest_of_this_installation().seen.as_data()["checked"] == 2 + 4
    assert verifying.prove().findings == ()
    shelf.note(3).unlink()
    assert verifying.prove().findings == ()
    rewrite(mission, 1, "ada@example.org", "eve@example.org")
    assert [(each.seq, each.kind) for each in verifying.prove().findings] == [(2, "rewritten_before_checkpoint")]
    shelf.note(2).unlink()
    by_force("DELETE FROM traceability_checkpoint WHERE n = 2")
    assert (7, "bad_signature") in [(each.seq, each.kind) for each in verifying.prove().findings]
