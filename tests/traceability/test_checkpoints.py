"""Checkpoints: what they fix outside the database, and how they find what the chain alone cannot."""

import base64
import gzip
import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from coordinator.lib.refs import Ref
from tests.factories import person
from tests.traceability.conftest import AT, stream_of
from tests.traceability.force import all_findings, by_force, change, findings, move_head, remove, rewrite, say, told
from tests.traceability.shelf import Shelf, fixed, shelf
from traceability import checkpoints, notes, verifying
from traceability.keys import PublicKey
from traceability.models import Checkpoint, Entry, Installation

__all__ = ["fixed", "shelf"]
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


def test_a_checkpoint_is_a_signed_note_with_the_heads_that_it_fixed(shelf: Shelf) -> None:
    mission = told(3)
    row = shelf.take()
    assert row is not None
    text = shelf.note(1).read_text()
    origin, size, root, *more = text.partition("\n\n")[0].splitlines()
    heads = gzip.decompress(shelf.heads(1).read_bytes()).decode()
    assert origin == f"coordinator/{Installation.objects.get().uuid}"
    assert int(size) == Entry.objects.count() == row.size
    assert base64.b64decode(root) == checkpoints.root_of(checkpoints.heads_in(heads)) == bytes(row.root)
    assert [line.split(" ")[0] for line in more] == ["number", "prev", "at", "streams", "heads", "key"]
    assert more[-2] == f"heads {hashlib.sha256(heads.encode()).hexdigest()}"
    entry = Entry.objects.get(stream=stream_of(mission), seq=3)
    assert f"{stream_of(mission)} 3 {bytes(entry.hash).hex()}\n" in heads
    assert row.note == text
    assert shelf.record().seen.as_data() == {"checked": 1, "newest": 1, "at": notes.read(text).at}


def test_the_key_is_the_owners_alone_and_its_public_half_lies_with_the_notes(shelf: Shelf) -> None:
    told(1)
    shelf.take()
    assert shelf.keyring.file.stat().st_mode & 0o777 == 0o600
    (line,) = (shelf.directory / "keys.txt").read_text().splitlines()
    key = PublicKey.read(line)
    assert notes.read(shelf.note(1).read_text()).is_signed_by(key)
    assert "PRIVATE" not in "".join(str(path.read_bytes()) for path in shelf.directory.iterdir())


def test_openssl_accepts_the_signature(shelf: Shelf, tmp_path: Path) -> None:
    """The form is the public one: a key and a signature of it work in other programs."""
    told(1)
    shelf.take()
    body, _, signature = shelf.note(1).read_text().partition("\n\n")
    key = PublicKey.read((shelf.directory / "keys.txt").read_text())
    (tmp_path / "body").write_text(f"{body}\n")
    (tmp_path / "sig").write_bytes(base64.b64decode(signature.split(" ")[2])[4:])
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + key.raw)
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in body -sigfile sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_new_makes_no_checkpoint(shelf: Shelf) -> None:
    mission = told(1)
    assert shelf.take()
    assert shelf.take() is None
    say(mission, "more")
    assert shelf.take()
    assert checkpoints.numbers(shelf.directory) == [1, 2]


def test_a_checkpoint_holds_only_the_heads_that_moved_and_each_288th_all(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY_FULL", 3)
    missions = [told(1) for _ in range(3)]
    for number in range(4):
        say(missions[number % 3], "more")
        assert shelf.take()
    lines = [len(checkpoints.unpacked(shelf.heads(number).read_bytes()).splitlines()) for number in (1, 2, 3, 4)]
    assert lines == [3, 1, 1, 3]
    assert shelf.wrong() == []
    assert len(checkpoints.heads_at(shelf.directory, 3)) == 3


def test_rows_stay_as_they_were_signed_and_only_their_sending_is_told(shelf: Shelf, fixed: Ref) -> None:
    assert Checkpoint.objects.filter(n=1).update(published_at=AT) == 1
    for attempt in (
        lambda: Checkpoint.objects.filter(n=1).update(published_at=None),
        lambda: Checkpoint.objects.filter(n=2).update(note="forged"),
        lambda: Checkpoint.objects.filter(n=2).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_cut_end_whose_head_was_moved_too_is_found(shelf: Shelf, fixed: Ref) -> None:
    remove(fixed, "seq > 3")
    move_head(fixed)
    assert findings(fixed) == []
    (found,) = all_findings(shelf.record())
    assert (found.stream, found.seq, found.kind, found.last_good) == (stream_of(fixed), 4, "tail_truncated", 1)


def test_a_whole_stream_that_is_gone_with_its_head_is_found(shelf: Shelf, fixed: Ref) -> None:
    remove(fixed)
    move_head(fixed)
    assert findings(fixed) == []
    assert findings(fixed, shelf.record()) == [(1, "stream_deleted")]


@pytest.mark.parametrize(("seq", "named", "last_good"), [(1, 2, None), (2, 2, None), (3, 4, 1), (6, 6, 2)])
def test_a_careful_rewrite_is_found_by_what_was_fixed_before(
    shelf: Shelf, fixed: Ref, seq: int, named: int, last_good: int | None
) -> None:
    rewrite(fixed, seq, "ada@example.org", "eve@example.org")
    assert findings(fixed) == []
    (found,) = all_findings(shelf.record())
    assert (found.seq, found.kind, found.last_good) == (named, "rewritten_before_checkpoint", last_good)


def test_a_rewrite_of_what_no_checkpoint_fixed_yet_is_not_found(shelf: Shelf, fixed: Ref) -> None:
    """The window between two checkpoints: five minutes at most."""
    say(fixed, "text 7")
    rewrite(fixed, 7, "ada@example.org", "eve@example.org")
    assert findings(fixed, shelf.record()) == []


def test_a_simple_change_is_one_finding_also_when_a_checkpoint_fixed_the_entry(shelf: Shelf, fixed: Ref) -> None:
    change(fixed, 4, "hash = '\\x00'")
    change(fixed, 2, "canonical = canonical || ' '")
    assert findings(fixed, shelf.record()) == [(2, "content_modified"), (4, "content_modified")]


@pytest.mark.parametrize("damage", ["tail", "stream", "rewrite"])
def test_the_quick_check_compares_with_the_checkpoints_too(shelf: Shelf, fixed: Ref, damage: str) -> None:
    assert verifying.verify(record=shelf.record(), fast=True).findings == ()
    if damage == "rewrite":
        rewrite(fixed, 3, "ada@example.org", "eve@example.org")
    else:
        remove(fixed, "seq > 3" if damage == "tail" else "true")
        move_head(fixed)
    assert verifying.verify(record=shelf.record(), fast=True).findings == all_findings(shelf.record()) != ()


def test_a_stream_of_another_installation_in_the_place_of_ours_is_found(shelf: Shelf, fixed: Ref) -> None:
    """The same events, chained by another installation: its links begin elsewhere."""
    ours = Installation.objects.get().uuid
    by_force("UPDATE traceability_installation SET uuid = gen_random_uuid()")
    rewrite(fixed, 1, "ada@example.org", "ada@example.org")
    by_force("UPDATE traceability_installation SET uuid = %s", ours)
    assert findings(fixed) == [(1, "content_modified")]
    assert (1, "content_modified") in findings(fixed, shelf.record())
    assert {kind for _, kind in findings(fixed, shelf.record())} == {
        "content_modified",
        "rewritten_before_checkpoint",
    }


def test_the_checkpoints_of_another_installation_are_told_from_ours(shelf: Shelf, fixed: Ref) -> None:
    by_force("UPDATE traceability_installation SET uuid = gen_random_uuid()")
    told_of = [each for each in all_findings(shelf.record()) if each.stream == checkpoints.STREAM]
    assert [(each.seq, each.kind) for each in told_of] == [(3, "bad_signature")]


def test_ten_thousand_streams_take_less_than_half_a_second(shelf: Shelf) -> None:
    by_force(
        "INSERT INTO traceability_streamhead (stream, seq, hash, at)"
        " SELECT 'mission:' || n, n, sha256(n::text::bytea), now() FROM generate_series(100000, 110000) AS n"
    )
    shelf.take()
    by_force("UPDATE traceability_streamhead SET seq = seq + 1 WHERE stream LIKE 'mission:1000%%'")
    began = time.process_time()
    assert shelf.take()
    assert time.process_time() - began < 0.5


def test_the_admin_shows_checkpoints_and_their_text(shelf: Shelf, fixed: Ref, client: Client) -> None:
    client.force_login(person("viewer"))
    listed = client.get("/admin/traceability/checkpoint/?q=coordinator")
    assert listed.status_code == 200
    assert bytes(Checkpoint.objects.get(n=3).root).hex() in listed.content.decode()
    shown = client.get("/admin/traceability/checkpoint/3/change/").content.decode()
    assert shelf.note(3).read_text().splitlines()[-1] in shown.replace("&#x27;", "'")
    assert 'name="_save"' not in shown
