"""The files of archived entries, walked as the table is: a changed one is named by the entries that it changed."""

from collections.abc import Iterable, Iterator, Mapping

from traceability import archiving
from traceability.archive_files import Line
from traceability.models import Archive
from traceability.proving import reading
from traceability.proving.entries import KIND, PROJECTED, TEXT, Row
from traceability.proving.findings import UNCHECKED, Finding
from traceability.proving.walk import Pins, Place, Walk

ERASING = "trace.erased"


def of(streams: reading.Streams) -> list[Archive]:
    """The archives of these streams, in the order of their entries."""
    rows = Archive.objects.all() if streams is None else Archive.objects.filter(stream__in=streams)
    return list(rows.order_by("stream", "first_seq"))


def walks(
    archives: Iterable[Archive],
    starts: Mapping[str, Place],
    installation: str,
    pins: Mapping[str, Pins],
    erased: dict[tuple[str, int], set[str]],
) -> Iterator[tuple[Finding | None, Walk | None]]:
    """What is wrong with each file as such, and the walk over what can be read of it.

    `starts` are where the table's entries are read from: a file that lies wholly before was checked earlier. What the
    files tell of erasures is added to `erased`.
    """
    ends: dict[str, Place] = {}
    for archive in archives:
        start = ends.get(archive.stream) or reading.beginning(archive.stream, installation)
        end = ends[archive.stream] = Place(archive.last_seq, bytes(archive.hash))
        if starts[archive.stream].seq > end.seq:
            continue
        finding = _of_file(archive)
        if finding and finding.kind in UNCHECKED:
            yield finding, None
            continue
        rows = [row(line) for line in (archiving.salvaged(archive) if finding else _lines(archive)) if line is not None]
        for each in rows:
            if each[KIND] == ERASING:
                reading.add_erasure(erased, each[TEXT])
        fixed = {seq: pin for seq, pin in pins.get(archive.stream, {}).items() if start.seq < seq <= end.seq}
        yield finding, Walk(archive.stream, start, end, fixed, erased).over(rows)


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
