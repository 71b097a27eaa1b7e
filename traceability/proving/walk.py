"""Walking one stream from its first entry to its head, and going on behind whatever is wrong.

An entry whose hash does not fit is a suspect; the next one may continue from its stored hash or from the one that it
should have, so that one change names one entry, and two changes name two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from traceability.chain import link
from traceability.proving.entries import HASH, ID, RECORDED_AT, SEQ, STREAM, TEXT, Erased, Fault, Row, fault

ENOUGH = 4
"""So many hashes may stand before an entry when the ones before it were changed."""

Pins = Mapping[int, tuple[bytes, int]]
"""What checkpoints fixed of a stream: seq to its hash and the checkpoint's number."""


@dataclass(frozen=True)
class Place:
    """The number and hash behind which a chain goes on, or with which it ends."""

    seq: int
    hash: bytes


@dataclass(frozen=True)
class Suspect:
    """An entry whose hash does not fit, with the hashes that may stand before it."""

    row: Row
    before: tuple[bytes, ...]


@dataclass(frozen=True)
class Gap:
    """Numbers without an entry, with the hashes that may stand before the first of them, and the entry that follows."""

    stream: str
    first: int
    last: int
    kind: str
    detail: str
    before: tuple[bytes, ...]
    after: Row | None = None


@dataclass
class Walk:
    """What one stream shows. `start` is behind what is archived or was checked before, `head` is the stream's end."""

    stream: str
    start: Place
    head: Place | None
    pins: Pins
    erased: Erased
    columns: bool = True
    seq: int = 0
    before: tuple[bytes, ...] = ()
    ids: list[tuple[int, int]] = field(default_factory=list)
    in_order: bool = True
    entries: int = 0
    last_at: str = ""
    suspects: list[Suspect] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    strays: list[Row] = field(default_factory=list)
    faults: dict[int, tuple[Fault, int]] = field(default_factory=dict)
    kept: list[tuple[int, int]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    erasures: list[Row] = field(default_factory=list)

    def over(self, rows: Iterable[Row]) -> "Walk":
        """Takes the stream's entries in the order of their numbers."""
        self.seq, self.before = self.start.seq, (self.start.hash,)
        last = 0
        for row in rows:
            self.entries += 1
            seq = row[SEQ]
            if seq == self.seq + 1 and _link(self.before[0], row) == row[HASH]:
                self.seq, self.before = seq, (row[HASH],)
            elif not self._settle(row):
                continue
            self._look(row)
            self.in_order = self.in_order and row[ID] > last
            last, self.last_at = row[ID], row[RECORDED_AT]
            self.ids.append((seq, last))
        return self

    def _fits(self, row: Row) -> bool:
        return any(_link(before, row) == row[HASH] for before in self.before)

    def _look(self, row: Row) -> None:
        """At the entry by itself, and at what checkpoints say of it."""
        seq = row[SEQ]
        if self.columns and (found := fault(row, self.erased)):
            self.faults[seq] = found, row[ID]
        if (self.stream, seq) in self.erased:
            self.erasures.append(row)
        if pin := self.pins.get(seq):
            if pin[0] == row[HASH]:
                self.kept.append((seq, pin[1]))
            else:
                self.broken.append(seq)

    def _settle(self, row: Row) -> bool:
        """Finds a place for a row that does not simply follow; False when it has none here."""
        seq = row[SEQ]
        fits = seq == self.seq + 1 and self._fits(row)
        before_the_head = seq > self.seq and self.head is not None and seq <= self.head.seq
        if not (fits or before_the_head or self._replaces(row)):
            self.strays.append(row)
            return False
        if seq > self.seq + 1:
            detail = f"entry {self.seq + 1} is gone; next is {seq}"
            if seq > self.seq + 2:
                detail = f"entries {self.seq + 1} to {seq - 1} are gone"
            self.gaps.append(Gap(self.stream, self.seq + 1, seq - 1, "missing", detail, self.before, row))
            self.before = (row[HASH],)
        elif fits:
            self.before = (row[HASH],)
        elif seq == self.seq + 1:
            self.suspects.append(Suspect(row, self.before))
            computed = [_link(before, row) for before in self.before]
            self.before = tuple(dict.fromkeys([row[HASH], *computed]))[:ENOUGH]
        self.seq = seq
        return True

    def _replaces(self, row: Row) -> bool:
        """Whether it is the true entry of the number just taken by another, which then has no place."""
        last = self.suspects[-1] if self.suspects else None
        if last is None or not last.row[SEQ] == row[SEQ] == self.seq:
            return False
        if not any(_link(before, row) == row[HASH] for before in last.before):
            return False
        self.strays.append(self.suspects.pop().row)
        self.faults.pop(row[SEQ], None)
        self.ids.pop()
        self.broken = [seq for seq in self.broken if seq != row[SEQ]]
        self.before = (row[HASH],)
        return True


def _link(before: bytes, row: Row) -> bytes:
    return link(before, row[STREAM], row[SEQ], row[RECORDED_AT], row[TEXT])
