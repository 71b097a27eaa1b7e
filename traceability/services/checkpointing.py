"""Taking checkpoints: a signed statement of where every stream stands, as a row and as files outside the database.

It tells of history and is no part of it, so it records no event. Writers are not held up: one statement reads all
heads as they stood at one moment.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Max

from coordinator.lib.errors import Conflict
from traceability import canonical, checkpoints, durable, notes
from traceability.checkpoints import Heads
from traceability.keys import Keyring, PublicKey, SecretKey
from traceability.models import Checkpoint, Installation
from traceability.notes import Note
from traceability.proving.walk import Place

LOCK = "coordinator.checkpoints"


class NotOurCheckpoint(Conflict):
    """The newest checkpoint was not made by this installation's key."""


def take(directory: Path, keyring: Keyring, *, now: datetime) -> Checkpoint | None:
    """Makes a checkpoint; None when no stream has moved since the last one. Raises NotOurCheckpoint, KeyProblem."""
    with transaction.atomic():
        _alone()
        before = mend(directory, keyring)
        if before and _totals() == (before.size, before.streams):
            return None
        heads = _heads()
        if not heads:
            return None
        return _made(directory, before, heads, now, (keyring.key(_origin()),))


def rotate(directory: Path, keyring: Keyring, *, old: SecretKey | None, now: datetime) -> Checkpoint:
    """Gives the signing to a new key, told by a checkpoint that both keys sign.

    `old` is the key until now when the environment gives the new one; else the file's key is replaced by a made one.
    """
    with transaction.atomic():
        _alone()
        before = mend(directory, keyring)
        if old is not None:
            fresh = keyring.key(_origin())
            return _made(directory, before, _heads(), now, (old, fresh), brings=fresh.public)
        old, fresh = keyring.key(_origin()), SecretKey.made(_origin())
        durable.write(keyring.next, f"{fresh.written()}\n".encode(), private=True)
        made = _made(directory, before, _heads(), now, (old, fresh), brings=fresh.public)
        keyring.next.replace(keyring.file)
        return made


def begin_anew(directory: Path, keyring: Keyring, *, now: datetime) -> Checkpoint:
    """A checkpoint by a key that no earlier one vouches for: the one until now is lost.

    It counts where the operator names both keys as trusted, and nowhere else.
    """
    with transaction.atomic():
        _alone()
        before = mend(directory, keyring)
        fresh = keyring.key(_origin())
        return _made(directory, before, _heads(), now, (fresh,), brings=fresh.public, vouched=False)


def mend(directory: Path, keyring: Keyring) -> Checkpoint | None:
    """Makes rows and files agree after a crash or a restore; answers the newest checkpoint.

    A note whose row is gone gets its row; a row whose files are gone gets its files when a key that may sign has signed
    its note, and is passed over otherwise. Raises NotOurCheckpoint.
    """
    _adopt_waiting(directory)
    _write_missing(directory, keyring)
    _keep_keys(directory)
    newest = max(checkpoints.numbers(directory), default=0)
    row = Checkpoint.objects.filter(n=newest).first()
    if row is None:
        return None
    if checkpoints.note_file(directory, newest).read_text() != row.note:
        raise NotOurCheckpoint(f"Checkpoint {newest} reads otherwise in the database than in {directory}.")
    _finish_rotation(keyring, notes.read(row.note))
    return row


def _adopt_waiting(directory: Path) -> None:
    """Gives the notes behind the newest row their rows."""
    newest = _newest_row()
    for number in checkpoints.numbers(directory):
        if number > newest:
            _adopt(directory, number)


def _write_missing(directory: Path, keyring: Keyring) -> None:
    """Writes the files of rows that have none, and leaves out rows that nobody of ours has signed."""
    there = set(checkpoints.numbers(directory))
    missing = set(Checkpoint.objects.values_list("n", flat=True)) - there
    keys = [*checkpoints.keys_in(directory), *checkpoints.trusted(), *_own_key(keyring)]
    for row in Checkpoint.objects.filter(n__in=missing).order_by("n").iterator():
        if note := checkpoints.genuine(row.note, row.n, keys, first=row.n == 1 and not there):
            keys += [PublicKey.read(note.key)] if note.key else []
            _write(directory, row)


def _own_key(keyring: Keyring) -> list[PublicKey]:
    return [keyring.key(_origin()).public] if keyring.given or keyring.file.exists() else []


def _newest_row() -> int:
    return Checkpoint.objects.aggregate(newest=Max("n"))["newest"] or 0


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])


def _origin() -> str:
    return checkpoints.origin(Installation.objects.get().uuid)


def _totals() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(seq), 0)::bigint, count(*) FROM traceability_streamhead")
        entries, streams = cursor.fetchone()
    return entries, streams


def _heads() -> Heads:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stream, seq, hash FROM traceability_streamhead")
        return {stream: Place(seq, bytes(digest)) for stream, seq, digest in cursor.fetchall()}


def _made(
    directory: Path,
    before: Checkpoint | None,
    present: Heads,
    now: datetime,
    signers: tuple[SecretKey, ...],
    brings: PublicKey | None = None,
    vouched: bool = True,
) -> Checkpoint:
    last = notes.read(before.note) if before else None
    if last and vouched:
        _require_ours(last, signers[0])
    number = _newest_row() + 1
    known = checkpoints.heads_at(directory, last.number) if last else {}
    heads = {**known, **present}
    follows = number == (last.number if last else 0) + 1
    fresh = _changed(known, present) if follows and not checkpoints.is_full(number) else heads
    text = checkpoints.lines_of(fresh)
    note = Note(
        origin=signers[0].name,
        size=sum(head.seq for head in heads.values()),
        root=checkpoints.root_of(heads),
        number=number,
        prev=last.digest if last else notes.NOTHING_BEFORE,
        at=canonical.moment(now),
        streams=len(heads),
        heads=hashlib.sha256(text.encode()).hexdigest(),
        key=str(brings or ("" if last else signers[0].public)),
    ).signed(*signers)
    row = _row(note, checkpoints.packed(text), now)
    row.save(force_insert=True)
    _keep_keys(directory, note)
    _write(directory, row)
    return row


def _require_ours(last: Note, signer: SecretKey) -> None:
    """Raises NotOurCheckpoint unless this key signed the last note, so that one chain of trust leads on."""
    if not last.is_signed_by(signer.public) or (last.key and last.key != str(signer.public)):
        raise NotOurCheckpoint(
            f"Checkpoint {last.number} was signed by another key. Bring that key back, or hand the signing over with"
            " `trace_checkpoint --rotate-key --old-key FILE`; where it is lost, `trace_checkpoint --key-lost`."
        )


def _changed(known: Mapping[str, Place], present: Mapping[str, Place]) -> Heads:
    return {stream: head for stream, head in present.items() if known.get(stream) != head}


def _row(note: Note, heads: bytes, at: datetime) -> Checkpoint:
    return Checkpoint(
        n=note.number, at=at, size=note.size, streams=note.streams, root=note.root, prev_hash=note.prev,
        note=note.text, heads=heads,
    )  # fmt: skip


def _write(directory: Path, row: Checkpoint) -> None:
    """The files of a row: the note last, so that a note is never without its heads."""
    durable.write(checkpoints.heads_file(directory, row.n), bytes(row.heads))
    durable.write(checkpoints.note_file(directory, row.n), row.note.encode())


def _adopt(directory: Path, number: int) -> None:
    """A row for a note that was written before its row was: the process died in between."""
    note = notes.read(checkpoints.note_file(directory, number).read_text())
    heads = checkpoints.heads_file(directory, number).read_bytes()
    if note.number != number or hashlib.sha256(checkpoints.unpacked(heads).encode()).hexdigest() != note.heads:
        raise NotOurCheckpoint(f"The files of checkpoint {number} in {directory} do not belong together.")
    _row(note, heads, datetime.fromisoformat(note.at)).save(force_insert=True)


def _keep_keys(directory: Path, *coming: Note) -> None:
    """Has the directory hold every key that a checkpoint brought; what stands there already stays in its place."""
    known = [str(each) for each in checkpoints.keys_in(directory)]
    told = Checkpoint.objects.bringing_a_key().order_by("n").values_list("n", flat=True)
    texts = (file.read_text() for file in (checkpoints.note_file(directory, n) for n in told) if file.exists())
    brought = [note.key for note in (*map(notes.read, texts), *coming) if note.key]
    fresh = [key for key in dict.fromkeys(brought) if key not in known]
    if fresh:
        durable.write(directory / "keys.txt", "".join(f"{each}\n" for each in [*known, *fresh]).encode())


def _finish_rotation(keyring: Keyring, newest: Note) -> None:
    """Puts a new key in its place whose checkpoint was written before the process died, or drops it."""
    if keyring.given or not keyring.next.exists():
        return
    fresh = SecretKey.read(keyring.next.read_text())
    if newest.key == str(fresh.public):
        keyring.next.replace(keyring.file)
    else:
        keyring.next.unlink()
