"""Reading checkpoints with suspicion: what they fixed, and what is wrong with them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import QuerySet

from traceability import canonical, checkpoints, notes
from traceability.checkpoints import STREAM, Heads
from traceability.keys import KeyProblem, PublicKey
from traceability.models import Checkpoint
from traceability.notes import Note, NoteProblem
from traceability.proving.findings import Finding, Notes


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


def read(
    directory: Path,
    *,
    keys: Sequence[PublicKey] = (),
    rows: Mapping[int, str] | None = None,
    spare: Mapping[int, bytes] | None = None,
    first: int = 1,
    bringing: Iterable[int] = (),
) -> Record:
    """Reads and checks every note: form, signature, order, and the heads that belong to it.

    The first key in the directory, or the `keys` that somebody keeps elsewhere, may sign; a later key when a key that
    may sign has signed for it. `rows` are the texts that the database has of the same notes; where a file is not here,
    since another machine wrote it, the row is read, with the heads in `spare`: a signature holds anywhere. From `first`
    on, which has all heads, everything is read; of what lies before only the notes `bringing` a key.
    """
    found = Record()
    there = checkpoints.numbers(directory)
    if not there and not rows:
        found.unchecked.append(Finding(STREAM, 0, "notes_missing", f"there are no checkpoints in {directory}"))
        return found
    try:
        may_sign = list(keys) or checkpoints.keys_in(directory)[:1]
    except KeyProblem as problem:
        may_sign = []
        found.findings.append(Finding(STREAM, 0, "bad_signature", str(problem)))
    if not may_sign:
        found.unchecked.append(Finding(STREAM, 0, "keys_missing", f"there is no keys.txt in {directory}"))
        return found
    earlier = [number for number in bringing if number < first]
    _Reader(directory, found, may_sign, rows or {}, spare or {}, first).read(there, earlier)
    found.findings += _against_memory(directory, found.notes)
    return found


def unlike_their_notes(rows: QuerySet[Checkpoint]) -> Iterator[Finding]:
    """Rows whose columns say otherwise than their notes; a note that is none is told of by `read`."""
    for row in rows.order_by("n").iterator():
        with suppress(NoteProblem):
            note = notes.read(row.note)
            told = (note.number, note.size, note.root, note.prev, note.at, note.streams)
            columns = (row.n, row.size, bytes(row.root), bytes(row.prev_hash), canonical.moment(row.at), row.streams)
            if told != columns or not _are_heads_of(note, bytes(row.heads)):
                yield Finding(STREAM, row.n, "checkpoint_gap", "the columns of its row say otherwise than its note")


def _are_heads_of(note: Note, packed: bytes) -> bool:
    try:
        return hashlib.sha256(checkpoints.unpacked(packed).encode()).hexdigest() == note.heads
    except NoteProblem:
        return False


@dataclass
class _Reader:
    directory: Path
    found: Record
    keys: list[PublicKey]
    rows: Mapping[int, str]
    spare: Mapping[int, bytes]
    first: int = 1
    heads: Heads = field(default_factory=dict)
    whole: bool = True
    rooted: Note | None = None
    """The newest note whose heads are all known."""

    def read(self, there: Sequence[int], earlier: Iterable[int]) -> None:
        before: Note | None = None
        for number in sorted(earlier):
            before = self._take(number, before)
        expected = self.first
        for number in sorted(each for each in {*there, *self.rows} if each >= self.first or each < 1):
            if number > expected:
                self._miss(expected, number - 1)
                before = None
            before, expected = self._take(number, before), max(expected, number + 1)
        if self.rooted and self.rooted is self.found.notes[-1]:
            self._check_root(self.rooted)

    def _miss(self, first: int, last: int) -> None:
        detail = "its note is not here" if first == last else f"the notes of checkpoints {first} to {last} are not here"
        self._say(first, "checkpoint_gap", detail)
        self.whole = False

    def _take(self, number: int, before: Note | None) -> Note | None:
        try:
            text = self._text(number)
            note = notes.read(text)
        except (OSError, UnicodeDecodeError, NoteProblem) as problem:
            self._say(number, "bad_signature", f"its note is not to be read: {problem}")
            self.whole = False
            return None
        if trouble := self._trouble(number, note, before):
            self._say(number, *trouble)
            self.whole = False
            return None
        if self.rows.get(number, text) != text:
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
        follows = before is not None and before.number == number - 1
        if note.prev != expected and (follows or number == 1):
            return "checkpoint_gap", "it does not follow the checkpoint before it"
        return self._new_key(note)

    def _new_key(self, note: Note) -> tuple[str, str] | None:
        """Lets the key that a note brings sign from now on, and the keys before no more. The first brings its own."""
        if not note.key:
            return None
        try:
            key = PublicKey.read(note.key)
        except KeyProblem as problem:
            return "bad_signature", str(problem)
        if not note.is_signed_by(key):
            return "bad_signature", "the new key that it brings has not signed it"
        if note.number > 1:
            self.keys = [key]
        return None

    def _take_heads(self, note: Note) -> None:
        try:
            text = checkpoints.unpacked(self._heads(note.number))
            if hashlib.sha256(text.encode()).hexdigest() != note.heads:
                raise NoteProblem("its heads are not those that it fixed")
            fresh = checkpoints.heads_in(text)
        except (OSError, NoteProblem) as problem:
            said = str(problem) if isinstance(problem, NoteProblem) else "its heads are not here"
            self._say(note.number, "checkpoint_gap", said)
            self.whole = False
            return
        if checkpoints.is_full(note.number):
            self.heads, self.whole = {}, True
        self.heads |= fresh
        for stream, head in fresh.items():
            self.found.pins.setdefault(stream, {}).setdefault(head.seq, (head.hash, note.number))
        self.rooted = note if self.whole else None
        if self.whole and checkpoints.is_full(note.number):
            self._check_root(note)
            self.rooted = None

    def _check_root(self, note: Note) -> None:
        if checkpoints.root_of(self.heads) != note.root or len(self.heads) != note.streams:
            self._say(note.number, "checkpoint_gap", "its root is not that of its heads")

    def _text(self, number: int) -> str:
        file = checkpoints.note_file(self.directory, number)
        return self.rows[number] if number in self.rows and not file.exists() else file.read_text()

    def _heads(self, number: int) -> bytes:
        file = checkpoints.heads_file(self.directory, number)
        return self.spare[number] if number in self.spare and not file.exists() else file.read_bytes()

    def _say(self, number: int, kind: str, detail: str) -> None:
        self.found.findings.append(Finding(STREAM, number, kind, detail))


def _against_memory(directory: Path, found: Iterable[Note]) -> Iterator[Finding]:
    told = checkpoints.remembered(directory)
    note = next((each for each in found if each.number == told.get("checkpoint")), None)
    if told and (note is None or note.digest.hex() != told["sha256"]):
        detail = f"it is not the one with which the record was found whole at {told['at']}"
        yield Finding(STREAM, told["checkpoint"], "checkpoint_gap", detail)
