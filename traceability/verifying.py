"""Checking the record: every entry's number, hash, columns, form and texts, each stream's head, and the checkpoints.

The chain alone finds what was done to entries that are there; heads and checkpoints find what is gone, and what was
written anew as a whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.db.models import QuerySet

from traceability import checkpoints
from traceability.chain import link
from traceability.keys import PublicKey
from traceability.models import Checkpoint, Installation
from traceability.moments import one_moment
from traceability.proving import archives, judging, reading, tellings
from traceability.proving import record as notes
from traceability.proving.entries import ID, SEQ, Erased, Row
from traceability.proving.findings import UNCHECKED, Finding, Proof
from traceability.proving.record import Record
from traceability.proving.walk import Gap, Pins, Place, Walk

OF_TEXTS = frozenset({"payload_modified", "erased_still_there"})
"""What an erasure in the middle of a check may look like."""

__all__ = [
    "Finding", "Proof", "first_link", "latest_of_this_installation", "link", "of_this_installation", "prove", "verify",
]  # fmt: skip


def first_link(stream: str) -> bytes:
    """What stands before the first entry of a stream here."""
    return reading.beginning(stream, _installation()).hash


def prove(stream: str | None = None) -> Proof:
    """As `verify`, with the checkpoints of this installation of the last day or two.

    The first of them has the heads of all streams, so what was removed or written anew before them is found as well;
    the command reads all checkpoints there ever were.
    """
    return verify(stream, record=latest_of_this_installation())


def of_this_installation(directory: Path | None = None, keys: Sequence[PublicKey] = ()) -> Record:
    """The checkpoints kept here, checked. To be read before the ledger is, so that they tell of nothing newer.

    Those of another `directory` are a copy, which need not have the newest ones. `keys` may sign, when some are named.
    """
    if directory:
        return notes.read(directory, keys=keys or checkpoints.trusted())
    return _read(Checkpoint.objects.all(), keys or checkpoints.trusted())


def latest_of_this_installation() -> Record:
    """As `of_this_installation`, of the latest checkpoints only."""
    first = checkpoints.last_full_but_one(max(checkpoints.numbers(checkpoints.here()), default=0))
    rows = Checkpoint.objects.filter(n__gte=first) | Checkpoint.objects.bringing_a_key()
    return _read(rows, checkpoints.trusted(), first)


def _read(rows: QuerySet[Checkpoint], keys: Sequence[PublicKey], first: int = 1) -> Record:
    directory = checkpoints.here()
    texts = dict(rows.order_by("n").values_list("n", "note"))
    missing = set(texts).difference(checkpoints.numbers(directory))
    spare = {n: bytes(heads) for n, heads in rows.filter(n__in=missing).values_list("n", "heads")}
    bringing = [n for n in texts if n < first]
    found = notes.read(directory, keys=keys, rows=texts, spare=spare, first=first, bringing=bringing)
    found.findings += notes.unlike_their_notes(rows)
    return found


def verify(
    stream: str | None = None,
    *,
    record: Record | None = None,
    fast: bool = False,
    since: Mapping[str, Place] | None = None,
) -> Proof:
    """Checks one stream, or all of them, as they stood at one moment. Reads everything, writes nothing.

    `record` are the checkpoints to compare with, `since` the places up to which all was checked before. `fast` has the
    database itself check the chains, and leaves columns, forms and texts out.
    """
    with one_moment():
        check = _Check(None if stream is None else [stream], record or Record(), since or {})
        proof = check.over(check.suspicious() if fast else check.streams, columns=not fast)
    return _settled(proof, since or {})


def _settled(proof: Proof, since: Mapping[str, Place]) -> Proof:
    """The answer without what an erasure that went on meanwhile only made look so: those streams are read once more."""
    doubtful = sorted({each.stream for each in proof.findings if each.kind in OF_TEXTS})
    if not doubtful:
        return proof
    with one_moment():
        again = _Check(doubtful, Record(), since).over(doubtful, columns=True)
    still = _places(each for each in again.findings if each.kind in OF_TEXTS)
    kept = [each for each in proof.findings if each.kind not in OF_TEXTS or (each.stream, each.seq) in still]
    cleared = _places(proof.findings) - _places(kept) - _places(proof.remarks)
    lawful = [each for each in again.remarks if (each.stream, each.seq) in cleared]
    return replace(proof, findings=tuple(kept), remarks=(*proof.remarks, *lawful))


def _places(findings: Iterable[Finding]) -> set[tuple[str, int]]:
    return {(each.stream, each.seq) for each in findings}


class _Check:
    def __init__(self, streams: reading.Streams, record: Record, since: Mapping[str, Place]) -> None:
        self.streams = streams
        self.installation = _installation()
        self.record = record
        self.heads = reading.heads(self.streams)
        self.since = since
        self.starts = reading.archived(self.streams)
        for name, place in since.items():
            if self._wants(name) and place.seq > self.starts.get(name, place).seq - 1:
                self.starts[name] = place
        self.pins = {name: pins for name, pins in record.pins.items() if self._wants(name)}

    def _wants(self, stream: str) -> bool:
        return self.streams is None or stream in self.streams

    def suspicious(self) -> list[str]:
        """The streams in which the database finds something; only those are looked at closely."""
        pins = [(name, seq, each[0]) for name, pins in self.pins.items() for seq, each in pins.items()]
        found = reading.broken(self.streams, self.installation)
        return sorted({*found, *reading.ill_ended(self.streams), *reading.unlike(pins)})

    def over(self, streams: reading.Streams, *, columns: bool) -> Proof:
        told = _Told(tellings.erased(), reading.last_id(), self.pins)
        self._look_at_files(told, columns)
        for walk in self._walks(streams, told.erased, columns):
            told.add(walk)
        told.findings += self._misdated(told)
        heads = {name: head.hash.hex() for name, head in self.heads.items()}
        return Proof(
            entries=told.entries if columns else told.archived + sum(reading.count(self.streams).values()),
            heads=heads,
            findings=(*told.sorted(), *self._of_notes()),
            remarks=tuple(told.remarks),
            unchecked=(*self.record.unchecked, *told.unchecked),
            notes=self.record.seen,
        )

    def _look_at_files(self, told: "_Told", columns: bool) -> None:
        files = archives.of(self.streams)
        for finding, walk in archives.walks(files, self.since, self.installation, self.pins, told.erased, columns):
            told.add_file(finding)
            if walk:
                told.add(walk)
        told.archived = told.entries
        told.findings += archives.mismatches(files, self.streams)

    def _misdated(self, told: "_Told") -> list[Finding]:
        """Heads whose time is not their entry's, when nothing else is wrong with them: it dates whatever follows."""
        found, known = [], {each.stream for each in told.findings if each.kind == "head_mismatch"}
        for stream, seq, at, in_table in reading.misdated(self.streams):
            last, in_file = told.ends.get(stream, (0, ""))
            expected = in_table or (in_file if last == seq else at)
            if at != expected and stream not in known:
                detail = "the head's time is not the last entry's"
                found.append(Finding(stream, seq, "head_mismatch", detail, None, expected, at))
        return found

    def _of_notes(self) -> Iterator[Finding]:
        yield from self.record.findings
        ours = checkpoints.origin(self.installation)
        for note in self.record.notes[-1:]:
            if note.origin != ours:
                detail = f"it is a checkpoint of {note.origin}, this is {ours}"
                yield Finding(checkpoints.STREAM, note.number, "bad_signature", detail, None, ours, note.origin)

    def _walks(self, streams: reading.Streams, erased: Erased, columns: bool) -> Iterator[Walk]:
        """Each stream with entries, then those that should have some."""
        seen = set()
        with reading.entries(streams, self.starts) as groups:
            for name, rows in groups:
                seen.add(name)
                yield self._walk(name, erased, columns).over(rows)
        wanted = {*self.heads, *self.pins} if streams is None else set(streams)
        for name in sorted(wanted - seen):
            yield self._walk(name, erased, columns).over(())

    def _walk(self, name: str, erased: Erased, columns: bool) -> Walk:
        start = self.starts.get(name) or reading.beginning(name, self.installation)
        pins = {seq: pin for seq, pin in self.pins.get(name, {}).items() if seq > start.seq}
        return Walk(name, start, self.heads.get(name), pins, erased, columns)


@dataclass
class _Told:
    """What all walks of a check have shown."""

    erased: tellings.Erasures
    last_id: int
    pins: Mapping[str, Pins]
    entries: int = 0
    archived: int = 0
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    strays: list[Row] = field(default_factory=list)
    unsettled: list[Walk] = field(default_factory=list)
    """Walks whose suspects can be judged when it is known what stood in their gaps."""

    def add(self, walk: Walk) -> None:
        self.entries += walk.entries
        if walk.last_at:
            self.ends[walk.stream] = walk.seq, walk.last_at
        if walk.gaps and walk.suspects:
            self.unsettled.append(walk)
        else:
            self.findings += judging.findings_of(walk, self.last_id)
        self.gaps += judging.absences(walk)
        self.strays += walk.strays
        for row in walk.erasures:
            detail = f"{', '.join(sorted(self.erased[walk.stream, row[SEQ]]))} erased, and told in the ledger"
            self.remarks.append(Finding(walk.stream, row[SEQ], "erased", detail, row[ID]))

    def add_file(self, finding: Finding | None) -> None:
        if finding:
            (self.unchecked if finding.kind in UNCHECKED else self.findings).append(finding)

    def sorted(self) -> list[Finding]:
        """All findings by place, each with the last checkpoint that fixed its stream before it."""
        found: dict[tuple[str, int], Finding] = {}
        misplaced = list(judging.misplaced(self.gaps, self.strays))
        known = [bytes.fromhex(each.expected) for each in misplaced if each.expected]
        for walk in self.unsettled:
            self.findings += judging.findings_of(walk, self.last_id, known)
        for each in (*misplaced, *self.findings):
            found.setdefault((each.stream, each.seq), each)
        return [self._with_last_good(found[place]) for place in sorted(found)]

    def _with_last_good(self, finding: Finding) -> Finding:
        pins = self.pins.get(finding.stream, {})
        return replace(finding, last_good=max((n for seq, (_, n) in pins.items() if seq < finding.seq), default=None))


def _installation() -> str:
    return str(Installation.objects.get().uuid)
