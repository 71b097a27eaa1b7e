"""The files of archived entries, walked as the table is: a changed one is named by the entries that it changed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from coordinator.lib.errors import Refusal
from traceability import archiving
from traceability.archive_files import Line
from traceability.models import Archive
from traceability.proving import reading
from traceability.proving.entries import PROJECTED, Row
from traceability.proving.findings import UNCHECKED, Finding
from traceability.proving.walk import Pins, Place, Walk

ERASING = "trace.erased"


def of(streams: reading.Streams) -> list[Archive]:
    """The archives of these streams, in the order of their entries."""
    rows = Archive.objects.all() if streams is None else Archive.objects.filter(stream__in=streams)
    return list(rows.order_by("stream", "first_seq"))


def walks(
    archives: Iterable[Archive],
    since: Mapping[str, Place],
    installation: str,
    pins: Mapping[str, Pins],
    erased: dict[tuple[str, int], set[str]],
) -> Iterator[tuple[Finding | None, Walk | None]]:
    """What is wrong with each file as such, and the walk over what can be read of it.

    A file that lies wholly before the place `since` was checked earlier. What the files tell of erasures is added to
    `erased` first: an entry may be told of by a later file.
    """
    wanted = [each for each in archives if each.stream not in since or since[each.stream].seq < each.last_seq]
    for archive in wanted:
        for text in _erasures(archive):
            reading.add_erasure(erased, text)
    ends: dict[str, Place] = {}
    for archive in wanted:
        start = ends.get(archive.stream) or _start(archive, installation)
        end = ends[archive.stream] = Place(archive.last_seq, bytes(archive.hash))
        finding = _of_file(archive)
        if finding and finding.kind in UNCHECKED:
            yield finding, None
            continue
        rows = [row(line) for line in (archiving.salvaged(archive) if finding else _lines(archive)) if line is not None]
        fixed = {seq: pin for seq, pin in pins.get(archive.stream, {}).items() if start.seq < seq <= end.seq}
        yield finding, Walk(archive.stream, start, end, fixed, erased).over(rows)


def _start(archive: Archive, installation: str) -> Place:
    """Behind what the first file of a stream that is looked at goes on."""
    before = Archive.objects.filter(stream=archive.stream, last_seq=archive.first_seq - 1).first()
    return Place(before.last_seq, bytes(before.hash)) if before else reading.beginning(archive.stream, installation)


def _erasures(archive: Archive) -> Iterator[str]:
    """The texts of the entries in a file that tell of erasures; none of a file that is away or changed."""
    with suppress(Refusal):
        yield from (line["canonical"] for line in archiving.of_kind(archive, ERASING))


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
