"""Who signs checkpoints, and how the signing is handed over."""

from dataclasses import replace

import pytest

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT
from tests.traceability.force import say
from tests.traceability.shelf import Shelf, fixed, shelf
from traceability import keys, notes
from traceability.keys import KeyProblem, Keyring, PublicKey, SecretKey
from traceability.services import checkpointing
from traceability.services.checkpointing import NotOurCheckpoint

__all__ = ["fixed", "shelf"]
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


def test_a_new_key_is_told_by_a_note_that_both_sign(shelf: Shelf, fixed: Ref) -> None:
    before = shelf.keyring.file.read_text()
    row = shelf.rotate()
    old, new = SecretKey.read(before).public, SecretKey.read(shelf.keyring.file.read_text()).public
    told_of = notes.read(row.note)
    assert told_of.key == str(new) != str(old)
    assert told_of.is_signed_by(old)
    assert told_of.is_signed_by(new)
    say(fixed, "signed by the new key")
    shelf.take()
    assert shelf.wrong() == []
    assert (shelf.directory / "keys.txt").read_text().splitlines() == [str(old), str(new)]
    assert shelf.keyring.file.stat().st_mode & 0o777 == 0o600


def test_the_old_key_signs_no_more(shelf: Shelf, fixed: Ref) -> None:
    before = shelf.keyring.file.read_text()
    shelf.rotate()
    say(fixed, "more")
    shelf.keyring.file.write_text(before)
    with pytest.raises(NotOurCheckpoint):
        shelf.take()
    forged = notes.read(shelf.note(4).read_text())
    body = replace(forged, number=5, prev=forged.digest, key="").signed(SecretKey.read(before))
    shelf.note(5).write_text(body.text)
    assert (5, "bad_signature") in shelf.wrong()


def test_a_rotation_that_died_halfway_is_finished_or_dropped(shelf: Shelf, fixed: Ref) -> None:
    before = shelf.keyring.file.read_text()
    shelf.rotate()
    after = shelf.keyring.file.read_text()
    shelf.keyring.next.write_text(after)
    shelf.keyring.file.write_text(before)
    say(fixed, "more")
    assert shelf.take()
    assert shelf.keyring.file.read_text() == after
    shelf.keyring.next.write_text(SecretKey.made(SecretKey.read(after).name).written())
    say(fixed, "more")
    assert shelf.take()
    assert not shelf.keyring.next.exists()
    assert shelf.wrong() == []


def test_a_key_of_the_environment_takes_over_from_the_files(shelf: Shelf, fixed: Ref) -> None:
    old = SecretKey.read(shelf.keyring.file.read_text())
    given = Keyring(shelf.home / "nowhere", SecretKey.made(old.name).written())
    say(fixed, "more")
    with pytest.raises(NotOurCheckpoint):
        checkpointing.take(shelf.directory, given, now=AT)
    checkpointing.rotate(shelf.directory, given, old=old, now=AT)
    say(fixed, "more")
    assert checkpointing.take(shelf.directory, given, now=AT)
    assert shelf.wrong() == []


@pytest.mark.parametrize("text", ["", "nonsense", "PRIVATE+KEY+a+00000000+AAAA", "a+b"])
def test_a_key_that_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(KeyProblem) as refused:
        SecretKey.read(text)
    assert not text or text not in str(refused.value)
    with pytest.raises(KeyProblem):
        PublicKey.read(text)


def test_keys_read_back_as_they_were_written() -> None:
    key = SecretKey.made("coordinator/x")
    assert SecretKey.read(key.written()) == key
    assert PublicKey.read(str(key.public)) == key.public
    assert keys.ED25519 == b"\x01"


def test_after_a_key_was_lost_only_who_trusts_the_new_one_believes_what_it_signed(shelf: Shelf, fixed: Ref) -> None:
    lost = SecretKey.read(shelf.keyring.file.read_text()).public
    shelf.keyring.file.unlink()
    say(fixed, "more")
    with pytest.raises(NotOurCheckpoint, match="--key-lost"):
        shelf.take()
    checkpointing.begin_anew(shelf.directory, shelf.keyring, now=AT)
    say(fixed, "more")
    assert shelf.take()
    assert shelf.wrong() == [(4, "bad_signature"), (5, "bad_signature")]
    found = SecretKey.read(shelf.keyring.file.read_text()).public
    assert shelf.wrong(keys=[lost, found]) == []
