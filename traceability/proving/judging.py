"""From what a walk saw to findings: one for each thing that was done, at the place where it was done."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from traceability.chain import link
from traceability.proving.entries import HASH, ID, RECORDED_AT, SEQ, STREAM, TEXT, Row
from traceability.proving.findings import Finding
from traceability.proving.walk import Gap, Suspect, Walk

MANY = 24
"""Above so many entries that do not fit, it is no longer tried which of them changed places."""


def findings_of(walk: Walk, last_id: int, known: Iterable[bytes] = ()) -> Iterator[Finding]:
    """What was done to the entries that are there. What is not there is told by `absences`.

    `known` are hashes that entries of the stream should have, found otherwise.
    """
    found = {seq: finding for seq, finding in _of_suspects(walk, known)}
    for seq, ((kind, detail, expected, is_there), entry) in walk.faults.items():
        if seq not in found:
            found[seq] = Finding(walk.stream, seq, kind, detail, entry, expected, is_there)
    for seq, entry in _out_of_order(walk, last_id):
        if seq not in found:
            detail = "id is not between those of its neighbours"
            found[seq] = Finding(walk.stream, seq, "column_mismatch", detail, entry, None, str(entry))
    if finding := _rewritten(walk, set(found)):
        found[finding.seq] = finding
    yield from found.values()
    if (finding := _of_head(walk)) and finding.seq not in found:
        yield finding


def absences(walk: Walk) -> Iterator[Gap]:
    """Numbers without entries, within the stream and at its end."""
    yield from walk.gaps
    pinned = max(walk.pins, default=0)
    last = max(pinned, walk.head.seq if walk.head else 0)
    if walk.seq >= last:
        return
    said = f"the head says {walk.head.seq} entries" if walk.head else f"a checkpoint fixed {pinned} entries"
    if walk.head and pinned > walk.head.seq:
        said = f"the head says {walk.head.seq} entries, a checkpoint fixed {pinned}"
    kind = "tail_truncated" if walk.seq else "stream_deleted"
    yield Gap(walk.stream, walk.seq + 1, last, kind, said, walk.before)


def misplaced(gaps: Iterable[Gap], strays: list[Row]) -> Iterator[Finding]:
    """Tells entries that stand elsewhere from entries that are gone. `strays` that fit no gap are told as well."""
    left = list(strays)
    for gap in gaps:
        first, before = gap.first, gap.before
        while first <= gap.last and (row := _fitting(gap.stream, first, before, left)):
            left.remove(row)
            detail = f"it stands as entry {row[SEQ]} of {row[STREAM]}"
            yield Finding(gap.stream, first, "reordered", detail, row[ID])
            first, before = first + 1, (row[HASH],)
        if first > gap.last:
            yield from _unlinked(before[0], gap.after)
        elif first == gap.first:
            yield Finding(gap.stream, first, gap.kind, gap.detail)
        else:
            yield Finding(gap.stream, first, gap.kind, f"entries {first} to {gap.last} are gone")
    yield from _homeless(left)


def _unlinked(before: bytes, row: Row | None) -> Iterator[Finding]:
    """The entry behind a gap can be checked as soon as it is known what stood in it."""
    if row is None:
        return
    expected = _linked(before, row, row[SEQ], row[RECORDED_AT])
    if expected != row[HASH]:
        detail = "the hash does not fit the entry"
        yield Finding(row[STREAM], row[SEQ], "content_modified", detail, row[ID], expected.hex(), row[HASH].hex())


def _fitting(stream: str, seq: int, before: tuple[bytes, ...], rows: list[Row]) -> Row | None:
    for row in rows:
        if any(link(each, stream, seq, row[RECORDED_AT], row[TEXT]) == row[HASH] for each in before):
            return row
    return None


def _homeless(rows: list[Row]) -> Iterator[Finding]:
    told = set()
    for row in rows:
        if row[STREAM] not in told:
            detail = "it stands here beside the chain, before its first entry, behind its head or under a taken number"
            yield Finding(row[STREAM], row[SEQ], "duplicate", detail, row[ID])
        told.add(row[STREAM])


def _of_suspects(walk: Walk, known: Iterable[bytes]) -> Iterator[tuple[int, Finding]]:
    few = walk.suspects if len(walk.suspects) <= MANY else []
    pool = {*known} | {each for suspect in few for each in (*suspect.before, suspect.row[HASH])}
    pool |= {walk.pins[seq][0] for seq in (each.row[SEQ] - 1 for each in few) if seq in walk.pins}
    for suspect in walk.suspects:
        row = suspect.row
        if few and any(_linked(before, row, row[SEQ], row[RECORDED_AT]) == row[HASH] for before in pool):
            continue
        place = _true_place(suspect, few, pool)
        kind, detail = "content_modified", "the hash does not fit the entry"
        if place:
            kind, detail = "reordered", f"it is entry {place}"
        expected = _linked(suspect.before[0], row, row[SEQ], row[RECORDED_AT]).hex()
        yield row[SEQ], Finding(walk.stream, row[SEQ], kind, detail, row[ID], expected, row[HASH].hex())


def _true_place(suspect: Suspect, others: list[Suspect], pool: set[bytes]) -> int | None:
    """The number that this entry had when it was written, when it is another suspect's."""
    mine = suspect.row
    for other in (each.row for each in others if each is not suspect):
        for at in {mine[RECORDED_AT], other[RECORDED_AT]}:
            if any(_linked(before, mine, other[SEQ], at) in {mine[HASH], other[HASH]} for before in pool):
                place: int = other[SEQ]
                return place
    return None


def _linked(before: bytes, row: Row, seq: int, at: str) -> bytes:
    return link(before, row[STREAM], seq, at, row[TEXT])


def _out_of_order(walk: Walk, last_id: int) -> list[tuple[int, int]]:
    """The fewest entries (seq, id) without which ids grow as seq does, and those beyond the ids ever given."""
    beyond = [(seq, entry) for seq, entry in walk.ids if entry > last_id]
    if walk.in_order:
        return beyond
    moved = {suspect.row[SEQ] for suspect in walk.suspects}
    rest = [(seq, entry) for seq, entry in walk.ids if entry <= last_id and seq not in moved]
    growing = _longest_growing([entry for _, entry in rest])
    return beyond + [each for at, each in enumerate(rest) if at not in growing]


def _longest_growing(values: list[int]) -> set[int]:
    """The places of the longest growing subsequence."""
    ends: list[int] = []
    places: list[int] = []
    came_from: list[int] = []
    for at, value in enumerate(values):
        length = bisect_left(ends, value)
        came_from.append(places[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        places[length : length + 1] = [at]
    found, at = set(), places[-1] if places else -1
    while at >= 0:
        found.add(at)
        at = came_from[at]
    return found


def _rewritten(walk: Walk, told: set[int]) -> Finding | None:
    broken = [seq for seq in walk.broken if seq not in told]
    if not broken:
        return None
    first = broken[0]
    kept = max((seq for seq, _ in walk.kept if seq < first), default=walk.start.seq)
    pinned, number = walk.pins[first]
    detail = f"checkpoint {number} fixed another hash; what was changed lies behind entry {kept}"
    return Finding(walk.stream, first, "rewritten_before_checkpoint", detail, expected=pinned.hex())


def _of_head(walk: Walk) -> Finding | None:
    head = walk.head
    if head is None:
        if walk.seq == walk.start.seq:
            return None
        return Finding(walk.stream, walk.seq, "head_mismatch", "the stream has entries but no head")
    if head.seq < walk.seq:
        detail = f"the stream goes on to entry {walk.seq} behind its head"
        return Finding(walk.stream, head.seq + 1, "head_mismatch", detail, None, str(walk.seq), str(head.seq))
    if head.seq == walk.seq and head.hash not in walk.before:
        detail = "the head's hash is not the last entry's"
        return Finding(walk.stream, head.seq, "head_mismatch", detail, None, walk.before[0].hex(), head.hash.hex())
    return None
