"""The directory of checkpoints: signed notes, the heads that each fixed, and the public keys. Read and checked here.

`000000001.note` is a note's text, `000000001.heads.gz` the lines `stream seq hash` of the heads that changed since the
checkpoint before (every 288th has all of them), `keys.txt` a line for each public key, the first one first.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from traceability import durable, merkle, notes
from traceability.keys import KeyProblem, Keyring, PublicKey
from traceability.notes import Note, NoteProblem
from traceability.proving.findings import Finding, Notes
from traceability.proving.walk import Place

EVERY_FULL = 288
STREAM = "checkpoint"
"""Under this name findings tell of the notes themselves; their seq is the checkpoint's number."""

Heads = dict[str, Place]


def here() -> Path:
    """Where this installation keeps its checkpoints."""
    return Path(settings.CHECKPOINT_DIR)


def keyring() -> Keyring:
    """Whoever signs here."""
    return Keyring(Path(settings.CHECKPOINT_KEY_FILE), settings.CHECKPOINT_KEY)


def trusted() -> list[PublicKey]:
    """The keys that the operator names beside the first one of the directory. Raises KeyProblem."""
    return [PublicKey.read(each) for each in settings.CHECKPOINT_TRUSTED_KEYS]


def origin(installation: Any) -> str:
    return f"coordinator/{installation}"


def is_full(number: int) -> bool:
    return number % EVERY_FULL == 1


def note_file(directory: Path, number: int) -> Path:
    return directory / f"{number:09}.note"


def heads_file(directory: Path, number: int) -> Path:
    return directory / f"{number:09}.heads.gz"


def numbers(directory: Path) -> list[int]:
    """The numbers of the notes that are there."""
    names = (each.name for each in directory.glob("*.note")) if directory.is_dir() else ()
    return sorted(int(name[:9]) for name in names if re.fullmatch(r"[0-9]{9}\.note", name))


def lines_of(heads: Mapping[str, Place]) -> str:
    """The lines of heads, in the order of their names."""
    return "".join(f"{line(stream, head)}\n" for stream, head in sorted(heads.items()))


def line(stream: str, head: Place) -> str:
    return f"{stream} {head.seq} {head.hash.hex()}"


def root_of(heads: Mapping[str, Place]) -> bytes:
    """The RFC 6962 root over all heads, in the order of their names."""
    return merkle.root(leaves_of(heads))


def leaves_of(heads: Mapping[str, Place]) -> list[bytes]:
    return [merkle.leaf(line(stream, head).encode()) for stream, head in sorted(heads.items())]


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def unpacked(content: bytes) -> str:
    """The lines of a heads file. Raises NoteProblem."""
    try:
        return gzip.decompress(content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise NoteProblem("its heads cannot be read") from problem


def heads_in(text: str) -> Heads:
    """The heads of a file's lines. Raises NoteProblem."""
    try:
        split = (each.split(" ") for each in text.splitlines())
        return {stream: Place(int(seq), bytes.fromhex(digest)) for stream, seq, digest in split}
    except ValueError as problem:
        raise NoteProblem("its heads are not lines of stream, seq and hash") from problem


def heads_at(directory: Path, number: int) -> Heads:
    """Every head that checkpoint `number` fixed, whether it changed then or before. Raises NoteProblem."""
    found: Heads = {}
    first = number - (number - 1) % EVERY_FULL
    for each in range(first, number + 1) if number else ():
        try:
            found |= heads_in(unpacked(heads_file(directory, each).read_bytes()))
        except OSError as problem:
            raise NoteProblem(f"the heads of checkpoint {each} are not there") from problem
    return found


def keys_in(directory: Path) -> list[PublicKey]:
    """The public keys that lie with the notes, the first one first. Raises KeyProblem."""
    file = directory / "keys.txt"
    return [PublicKey.read(each) for each in file.read_text().splitlines() if each.strip()] if file.exists() else []


@dataclass
class Record:
    """The checkpoints of a directory, checked: what they fixed, and what is wrong with them."""

    notes: list[Note] = field(default_factory=list)
    pins: dict[str, dict[int, tuple[bytes, int]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)

    @property
    def seen(self) -> Notes:
        if not self.notes:
            return Notes()
        return Notes(len(self.notes), self.notes[-1].number, self.notes[-1].at)


def read(directory: Path, *, keys: Sequence[PublicKey] = (), rows: Mapping[int, str] | None = None) -> Record:
    """Reads and checks every note: form, signature, order, and the heads that belong to it.

    The first key in the directory, or the `keys` that somebody keeps elsewhere, may sign; a later key when a
    key that may sign has signed for it. `rows` are the texts that the database has of the same notes.
    """
    found = Record()
    there = numbers(directory)
    if not there and not rows:
        found.unchecked.append(Finding(STREAM, 0, "notes_missing", f"there are no checkpoints in {directory}"))
        return found
    try:
        may_sign = list(keys) or keys_in(directory)[:1]
    except KeyProblem as problem:
        may_sign = []
        found.findings.append(Finding(STREAM, 0, "bad_signature", str(problem)))
    if not may_sign:
        found.unchecked.append(Finding(STREAM, 0, "keys_missing", f"there is no keys.txt in {directory}"))
        return found
    _Reader(directory, found, may_sign, rows or {}).read(there)
    found.findings += _against_memory(directory, found.notes)
    return found


@dataclass
class _Reader:
    directory: Path
    found: Record
    keys: list[PublicKey]
    rows: Mapping[int, str]
    heads: Heads = field(default_factory=dict)
    whole: bool = True
    newest: int = 0

    def read(self, there: Sequence[int]) -> None:
        known, self.newest = set(there), max(there, default=0)
        last = max((*there, *self.rows))
        before: Note | None = None
        for number in range(1, last + 1):
            if number not in known:
                self._say(number, "checkpoint_gap", "its note is not here")
                before, self.whole = None, False
                continue
            before = self._take(number, before)

    def _take(self, number: int, before: Note | None) -> Note | None:
        try:
            text = note_file(self.directory, number).read_text()
            note = notes.read(text)
        except (OSError, UnicodeDecodeError, NoteProblem) as problem:
            self._say(number, "bad_signature", f"its note is not to be read: {problem}")
            self.whole = False
            return None
        if trouble := self._trouble(number, note, before):
            self._say(number, *trouble)
            self.whole = False
            return note
        if number in self.rows and self.rows[number] != text:
            self._say(number, "checkpoint_gap", "the database has another text of this checkpoint")
        self.found.notes.append(note)
        self._take_heads(note)
        return note

    def _trouble(self, number: int, note: Note, before: Note | None) -> tuple[str, str] | None:
        if not any(note.is_signed_by(key) for key in self.keys):
            return "bad_signature", "no key that may sign has signed it"
        if note.number != number:
            return "checkpoint_gap", f"the note in its place is that of checkpoint {note.number}"
        if note.origin != self.keys[0].name:
            return "bad_signature", f"it is a checkpoint of {note.origin}"
        expected = before.digest if before else notes.NOTHING_BEFORE
        if note.prev != expected and (before or number == 1):
            return "checkpoint_gap", "it does not follow the checkpoint before it"
        return self._new_key(note)

    def _new_key(self, note: Note) -> tuple[str, str] | None:
        """Lets the key that a note brings sign from now on, and the keys before no more."""
        if not note.key:
            return None
        try:
            key = PublicKey.read(note.key)
        except KeyProblem as problem:
            return "bad_signature", str(problem)
        if not note.is_signed_by(key):
            return "bad_signature", "the new key that it brings has not signed it"
        self.keys = [key]
        return None

    def _take_heads(self, note: Note) -> None:
        try:
            text = unpacked(heads_file(self.directory, note.number).read_bytes())
            if hashlib.sha256(text.encode()).hexdigest() != note.heads:
                raise NoteProblem("its heads are not those that it fixed")
            fresh = heads_in(text)
        except (OSError, NoteProblem) as problem:
            said = str(problem) if isinstance(problem, NoteProblem) else "its heads are not here"
            self._say(note.number, "checkpoint_gap", said)
            self.whole = False
            return
        if is_full(note.number):
            self.heads, self.whole = {}, True
        self.heads |= fresh
        for stream, head in fresh.items():
            self.found.pins.setdefault(stream, {}).setdefault(head.seq, (head.hash, note.number))
        if self.whole and (is_full(note.number) or note.number == self.newest):
            self._check_root(note)

    def _check_root(self, note: Note) -> None:
        if root_of(self.heads) != note.root or len(self.heads) != note.streams:
            self._say(note.number, "checkpoint_gap", "its root is not that of its heads")

    def _say(self, number: int, kind: str, detail: str) -> None:
        self.found.findings.append(Finding(STREAM, number, kind, detail))


def remember(directory: Path, note: Note, at: str) -> None:
    """Keeps, beside the notes, up to which of them the record was found whole."""
    told = {"checkpoint": note.number, "sha256": note.digest.hex(), "verified_at": at}
    durable.write(directory / "verified.json", f"{json.dumps(told)}\n".encode())


def remembered(directory: Path) -> dict[str, Any]:
    """What `remember` kept last; empty when there is nothing."""
    try:
        told = json.loads((directory / "verified.json").read_text())
        return {"checkpoint": int(told["checkpoint"]), "sha256": str(told["sha256"]), "at": str(told["verified_at"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _against_memory(directory: Path, found: Iterable[Note]) -> Iterator[Finding]:
    told = remembered(directory)
    note = next((each for each in found if each.number == told.get("checkpoint")), None)
    if told and (note is None or note.digest.hex() != told["sha256"]):
        detail = f"it is not the one with which the record was found whole at {told['at']}"
        yield Finding(STREAM, told["checkpoint"], "checkpoint_gap", detail)
