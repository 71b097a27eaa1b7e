"""The files of archived entries, walked as the table is: a changed one is named by the entries that it changed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from coordinator.lib.errors import Refusal
from traceability import archiving
from traceability.archive_files import Line
from traceability.models import Archive
from traceability.proving import reading, tellings
from traceability.proving.entries import ID, PROJECTED, Row
from traceability.proving.findings import UNCHECKED, Finding
from traceability.proving.tellings import Archiving
from traceability.proving.walk import Pins, Place, Walk


def of(streams: reading.Streams) -> list[Archive]:
    """The archives of these streams, in the order of their entries."""
    rows = Archive.objects.all() if streams is None else Archive.objects.filter(stream__in=streams)
    return list(rows.order_by("stream", "first_seq"))


def mismatches(archives: Iterable[Archive], streams: reading.Streams) -> Iterator[Finding]:
    """Files that the ledger tells nothing or something else of, and files that it tells of and the table does not."""
    told = tellings.archivings()
    for archive in archives:
        telling = told.pop((archive.stream, archive.first_seq), None)
        is_there = Archiving(archive.last_seq, bytes(archive.hash).hex(), archive.sha256)
        if telling is None:
            yield _mismatch(archive.stream, archive.first_seq, "no entry tells that these stand in a file")
        elif telling != is_there:
            detail = "the entry that tells of the file says otherwise"
            yield _mismatch(archive.stream, archive.first_seq, detail, str(telling), str(is_there))
    for stream, first in told:
        if streams is None or stream in streams:
            yield _mismatch(stream, first, "an entry tells that these stand in a file, and the row of the file is gone")


def _mismatch(stream: str, seq: int, detail: str, expected: str | None = None, found: str | None = None) -> Finding:
    return Finding(stream, seq, "archive_mismatch", detail, expected=expected, found=found)


def walks(
    archives: Iterable[Archive],
    since: Mapping[str, Place],
    installation: str,
    pins: Mapping[str, Pins],
    erased: tellings.Erasures,
    columns: bool = True,
) -> Iterator[tuple[Finding | None, Walk | None]]:
    """What is wrong with each file as such, and the walk over what can be read of it.

    A file that lies wholly before the place `since` was checked earlier. What the files tell of erasures is added to
    `erased` first: an entry may be told of by a later file.
    """
    wanted = [each for each in archives if each.stream not in since or since[each.stream].seq < each.last_seq]
    for archive in wanted:
        for text in _erasures(archive):
            tellings.add_erasure(erased, text)
    ends: dict[str, Place] = {}
    for archive in wanted:
        start = ends.get(archive.stream) or _start(archive, installation)
        end = ends[archive.stream] = Place(archive.last_seq, bytes(archive.hash))
        finding = _of_file(archive)
        fixed = {seq: pin for seq, pin in pins.get(archive.stream, {}).items() if start.seq < seq <= end.seq}
        if finding and finding.kind in UNCHECKED:
            yield _unlike(end, fixed, archive.stream), None
            yield finding, None
            continue
        rows = list(_readable(archiving.salvaged(archive) if finding else _lines(archive)))
        yield finding, Walk(archive.stream, start, end, fixed, erased, columns).over(rows)
        yield _misnumbered(archive, rows), None


def _unlike(end: Place, fixed: Pins, stream: str) -> Finding | None:
    """Of a file that is away one can still say with which hash it must end."""
    pinned, number = fixed.get(end.seq, (end.hash, 0))
    if pinned == end.hash:
        return None
    detail = f"checkpoint {number} fixed another hash"
    return Finding(stream, end.seq, "rewritten_before_checkpoint", detail, expected=pinned.hex(), found=end.hash.hex())


def _misnumbered(archive: Archive, rows: list[Row]) -> Finding | None:
    """The row's `last_id` is how an archived entry is found by its id."""
    last = rows[-1][ID] if rows else None
    if last == archive.last_id:
        return None
    detail = "the row names another last id than the file"
    return _mismatch(archive.stream, archive.last_seq, detail, str(last), str(archive.last_id))


def _readable(lines: Iterable[Line | None]) -> Iterator[Row]:
    """The rows of those lines that are entries at all; the others are missed in their places."""
    for line in lines:
        with suppress(KeyError, TypeError, ValueError):
            if line is not None:
                yield row(line)


def _start(archive: Archive, installation: str) -> Place:
    """Behind what the first file of a stream that is looked at goes on."""
    before = Archive.objects.filter(stream=archive.stream, last_seq=archive.first_seq - 1).first()
    return Place(before.last_seq, bytes(before.hash)) if before else reading.beginning(archive.stream, installation)


def _erasures(archive: Archive) -> Iterator[str]:
    """The texts of the entries in a file that tell of erasures; none of a file that is away or changed."""
    with suppress(Refusal):
        yield from (line.get("canonical", "") for line in archiving.of_kind(archive, tellings.ERASING))


def row(line: Line) -> Row:
    """An archived entry as `reading.entries` gives those of the table."""
    columns = (line[name] for name in PROJECTED)
    first = (line["id"], line["stream"], line["seq"])
    return (*first, *columns, line["recorded_at"], line["canonical"], bytes.fromhex(line["hash"]), line.get("body"))


def _of_file(archive: Archive) -> Finding | None:
    fault = archiving.fault(archive)
    if fault is None:
        return None
    return Finding(archive.stream, fault.seq, fault.kind, fault.detail, expected=fault.expected, found=fault.found)


def _lines(archive: Archive) -> Iterator[Line]:
    return archiving.lines(archive.stream, after=archive.first_seq - 1, upto=archive.last_seq)
