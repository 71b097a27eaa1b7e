"""Checking the record: every entry's number, hash, columns, form and texts, each stream's head, and the checkpoints.

The chain alone finds what was done to entries that are there; heads and checkpoints find what is gone, and what was
written anew as a whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from traceability import checkpoints
from traceability.chain import link
from traceability.checkpoints import Record
from traceability.models import Checkpoint, Installation
from traceability.moments import one_moment
from traceability.proving import judging, reading
from traceability.proving.entries import ID, SEQ, Row
from traceability.proving.findings import Finding, Proof
from traceability.proving.walk import Gap, Place, Walk

__all__ = ["Finding", "Proof", "first_link", "link", "of_this_installation", "prove", "verify"]


def first_link(stream: str) -> bytes:
    """What stands before the first entry of a stream here."""
    return reading.beginning(stream, _installation()).hash


def prove(stream: str | None = None) -> Proof:
    """As `verify`, with the checkpoints of this installation."""
    return verify(stream, record=of_this_installation())


def of_this_installation(directory: Path | None = None) -> Record:
    """The checkpoints kept here, checked. To be read before the ledger is, so that they tell of nothing newer."""
    rows = dict(Checkpoint.objects.order_by("n").values_list("n", "note"))
    return checkpoints.read(directory or checkpoints.here(), keys=checkpoints.trusted(), rows=rows)


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
        check = _Check(stream, record or Record(), since or {})
        streams = check.suspicious() if fast else (None if stream is None else [stream])
        proof = check.over(streams, columns=not fast)
        return check.counted(proof) if fast else proof


class _Check:
    def __init__(self, stream: str | None, record: Record, since: Mapping[str, Place]) -> None:
        self.streams = None if stream is None else [stream]
        self.installation = _installation()
        self.record = record
        self.heads = reading.heads(self.streams)
        self.starts = reading.archived(self.streams)
        for name, place in since.items():
            if self.streams in (None, [name]) and place.seq > self.starts.get(name, place).seq - 1:
                self.starts[name] = place
        self.pins = {name: pins for name, pins in record.pins.items() if self.streams in (None, [name])}

    def suspicious(self) -> list[str]:
        """The streams in which the database finds something; only those are looked at closely."""
        pins = [(name, seq, each[0]) for name, pins in self.pins.items() for seq, each in pins.items()]
        found = reading.broken(self.streams, self.installation)
        return sorted({*found, *reading.ill_ended(self.streams), *reading.unlike(pins)})

    def over(self, streams: reading.Streams, *, columns: bool) -> Proof:
        erased, last_id = reading.erased(), reading.last_id()
        findings: list[Finding] = []
        remarks: list[Finding] = []
        gaps: list[Gap] = []
        strays: list[Row] = []
        entries = 0
        for walk in self._walks(streams, erased, columns):
            entries += walk.entries
            findings += (_with_last_good(each, walk) for each in judging.findings_of(walk, last_id))
            remarks += _remarks(walk, erased)
            gaps += judging.absences(walk)
            strays += walk.strays
        findings += (_before(each, self.pins) for each in judging.misplaced(gaps, strays))
        told = [*sorted(findings, key=lambda each: (each.stream, each.seq)), *self._of_notes()]
        heads = {name: head.hash.hex() for name, head in self.heads.items()}
        return Proof(entries, heads, tuple(told), tuple(remarks), tuple(self.record.unchecked), self.record.seen)

    def counted(self, proof: Proof) -> Proof:
        return replace(proof, entries=sum(reading.count(self.streams).values()))

    def _of_notes(self) -> Iterator[Finding]:
        yield from self.record.findings
        ours = checkpoints.origin(self.installation)
        for note in self.record.notes[-1:]:
            if note.origin != ours:
                detail = f"it is a checkpoint of {note.origin}, this is {ours}"
                yield Finding(checkpoints.STREAM, note.number, "bad_signature", detail, None, ours, note.origin)

    def _walks(self, streams: reading.Streams, erased: Any, columns: bool) -> Iterator[Walk]:
        """Each stream with entries, then those that should have some."""
        seen = set()
        with reading.entries(streams, self.starts) as groups:
            for name, rows in groups:
                seen.add(name)
                yield self._walk(name, erased, columns).over(rows)
        wanted = {*self.heads, *self.pins} if streams is None else set(streams)
        for name in sorted(wanted - seen):
            yield self._walk(name, erased, columns).over(())

    def _walk(self, name: str, erased: Any, columns: bool) -> Walk:
        start = self.starts.get(name) or reading.beginning(name, self.installation)
        pins = {seq: pin for seq, pin in self.pins.get(name, {}).items() if seq > start.seq}
        return Walk(name, start, self.heads.get(name), pins, erased, columns)


def _installation() -> str:
    return str(Installation.objects.get().uuid)


def _with_last_good(finding: Finding, walk: Walk) -> Finding:
    good = max((number for seq, number in walk.kept if seq < finding.seq), default=None)
    return replace(finding, last_good=good)


def _before(finding: Finding, pins: Mapping[str, Mapping[int, tuple[bytes, int]]]) -> Finding:
    """With the last checkpoint that fixed an entry before the place of the finding."""
    fixed = (number for seq, (_, number) in pins.get(finding.stream, {}).items() if seq < finding.seq)
    return replace(finding, last_good=max(fixed, default=None))


def _remarks(walk: Walk, erased: Mapping[tuple[str, int], set[str]]) -> Iterator[Finding]:
    for row in walk.erasures:
        paths = ", ".join(sorted(erased[walk.stream, row[SEQ]]))
        yield Finding(walk.stream, row[SEQ], "erased", f"{paths} erased, and told in the ledger", row[ID])
