"""Archived entries, read from their files. The table remembers which entries stand where, and each file's digest.

A file is checked against its digest before anything of it is used; one that is away or changed is said to be so.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import MINYEAR, UTC, datetime
from pathlib import Path

import orjson
from django.conf import settings

from coordinator.lib.errors import Conflict, Unavailable
from traceability import archive_files
from traceability.archive_files import Line
from traceability.models import Archive, Entry
from traceability.proving import tellings

END = 2**62
PUT_BACK = "Put it back from the backup, into the directory that the setting ARCHIVE_DIR names."

GOING: ContextVar[dict[tuple[str, int], frozenset[str]]] = ContextVar("texts_that_go")
"""Texts that this transaction takes out of archived entries, by stream and seq; their file follows the commit."""


class ArchiveMissing(Unavailable):
    """Entries of this stream were archived, and their file is not here."""

    def __init__(self, archive: Archive, path: Path, why: str) -> None:
        super().__init__(f"Entries {_range(archive)} were archived, and {path.name} cannot be read ({why}). {PUT_BACK}")
        self.retry_after_s = 60


class ArchiveChanged(Conflict):
    """A file of archived entries is not as it was written."""

    def __init__(self, archive: Archive, path: Path, why: str) -> None:
        super().__init__(
            f"Entries {_range(archive)} were archived, and {path.name} is not as it was: {why}. {PUT_BACK}"
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file: a missing one (kind `archive_missing`) proves no change, `archive_modified` does."""

    seq: int
    kind: str
    detail: str
    expected: str | None = None
    found: str | None = None


def path_of(archive: Archive) -> Path:
    """Where the file of these entries lies."""
    return directory() / archive_files.name_of(archive.stream, archive.first_seq, archive.last_seq)


def directory() -> Path:
    return Path(settings.ARCHIVE_DIR)


def entries(stream: str, *, after: int = 0, upto: int = END) -> Iterator[Entry]:
    """The archived entries of a stream with `after` < seq <= `upto`, in order, as rows that are not in the table.

    Raises ArchiveMissing, ArchiveChanged.
    """
    return map(entry, lines(stream, after=after, upto=upto))


def lines(stream: str, *, after: int = 0, upto: int = END, newest_first: bool = False) -> Iterator[Line]:
    """As `entries`, plainly: by column, times and hash as text. Raises ArchiveMissing, ArchiveChanged."""
    archives = Archive.objects.filter(stream=stream, last_seq__gt=after, first_seq__lte=upto)
    for archive in archives.order_by("-first_seq" if newest_first else "first_seq"):
        yield from _lines_of(archive, after, upto, newest_first)


def of_kind(archive: Archive, kind: str) -> Iterator[Line]:
    """The entries of one kind in a file. Raises ArchiveMissing, ArchiveChanged."""
    written = f'"kind":"{kind}",'.encode()
    return (orjson.loads(line) for line in _opened(archive) if written in line)


def position(stream: str, moment: int | datetime) -> int:
    """The seq of the last archived entry up to a moment (an entry's id or a time, inclusive); 0 before the first.

    Raises ArchiveMissing, ArchiveChanged.
    """
    column, wanted = ("recorded_at", written(moment)) if isinstance(moment, datetime) else ("id", moment)
    for archive in Archive.objects.filter(stream=stream).order_by("-first_seq"):
        held = _opened(archive)
        before = bisect_right(held, wanted, key=lambda line: orjson.loads(line)[column])
        if before:
            return archive.first_seq + before - 1
    return 0


def covering(stream: str, seq: int) -> Archive | None:
    """The archive that an entry stands in; None for one of the table."""
    return Archive.objects.filter(stream=stream, first_seq__lte=seq, last_seq__gte=seq).first()


def find(entry_id: int) -> Entry | None:
    """The archived entry of this id, if there is one. Raises ArchiveMissing, ArchiveChanged."""
    for stream in Archive.objects.filter(last_id__gte=entry_id).values_list("stream", flat=True).distinct().order_by():
        seq = position(stream, entry_id)
        for found in entries(stream, after=seq - 1, upto=seq) if seq else ():
            if found.pk == entry_id:
                return found
    return None


def holding(text: str, *, stream: str | None = None) -> Iterator[Entry]:
    """The archived entries with this text in their own text or beside it. Raises ArchiveMissing, ArchiveChanged."""
    archives = Archive.objects.all() if stream is None else Archive.objects.filter(stream=stream)
    for name in archives.values_list("stream", flat=True).distinct().order_by("stream"):
        yield from (entry(line) for line in lines(name) if text in line["canonical"] or text in (line["body"] or ""))


def streams_naming(noun: str, ids: Sequence[int]) -> set[str]:
    """The streams whose archived entries tell of one of these things; a noun of `archive_files.NAMED`."""
    wanted = set(ids)
    return {stream for stream, named in tellings.named(noun) if not wanted.isdisjoint(named)}


def entry(line: Line) -> Entry:
    """An archived entry as the table's row."""
    return Entry(
        **{
            **line,
            "hash": bytes.fromhex(line["hash"]),
            "occurred_at": datetime.fromisoformat(line["occurred_at"]),
            "recorded_at": datetime.fromisoformat(line["recorded_at"]),
        }
    )


def called(noun: str, key: str) -> set[int]:
    """The ids of what was given this key when it was made, as files tell; one that is away or changed tells nothing."""
    found = set()
    for archive in Archive.objects.order_by("pk"):
        with suppress(ArchiveMissing, ArchiveChanged):
            found.add(_header(archive)["made"].get(noun, {}).get(key))
    return {each for each in found if each is not None}


def written(moment: datetime) -> str:
    """A time as lines have it, so that both compare as texts. One that UTC cannot name lies before or after all."""
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    except OverflowError:
        return "" if moment.year == MINYEAR else "~"


def fault(archive: Archive) -> Fault | None:
    """What is wrong with the files of an archive as such; what their entries say is for the verifier to check."""
    try:
        _texts(archive, _opened(archive))
    except ArchiveMissing as missing:
        return Fault(archive.first_seq, "archive_missing", missing.detail)
    except ArchiveChanged as changed:
        return Fault(archive.first_seq, "archive_modified", changed.detail, expected=archive.sha256)
    return None


def salvaged(archive: Archive) -> Iterator[Line | None]:
    """What can be read of an archive's changed files, entry by entry; None for one that cannot be read."""
    path = path_of(archive)
    beside = archive_files.texts_beside(path)
    texts = archive_files.salvaged(beside.read_bytes()) if beside.exists() else ()
    bodies = {line.get("seq"): line.get("body") for line in texts if line is not None}
    for line in archive_files.salvaged(path.read_bytes()):
        whole = line is not None and all(name in line for name in archive_files.COLUMNS)
        yield {**line, "body": bodies.get(line["seq"])} if line and whole else None


def _lines_of(archive: Archive, after: int, upto: int, newest_first: bool) -> Iterator[Line]:
    held = _opened(archive)
    first = max(after + 1 - archive.first_seq, 0)
    wanted = held[first : max(upto + 1 - archive.first_seq, 0)]
    bodies, going = _texts(archive, held), GOING.get(None) or {}
    for line in reversed(wanted) if newest_first else wanted:
        told = orjson.loads(line)
        body, place = bodies.get(told["seq"]), (archive.stream, told["seq"])
        told["body"] = archive_files.without(body, going[place]) if place in going else body
        yield told


def _opened(archive: Archive) -> tuple[bytes, ...]:
    with _told(archive, path_of(archive)) as path:
        return archive_files.lines_of(path, archive.sha256)


def _header(archive: Archive) -> Line:
    with _told(archive, path_of(archive)) as path:
        return archive_files.header_of(path, archive.sha256)


def _texts(archive: Archive, held: tuple[bytes, ...]) -> Mapping[int, str]:
    """The texts beside the entries; their file is only there where an entry has such texts."""
    with _told(archive, archive_files.texts_beside(path_of(archive))) as path:
        return archive_files.texts_of(path) if path.exists() or archive_files.have_texts(held) else {}


@contextmanager
def _told(archive: Archive, path: Path) -> Iterator[Path]:
    """Says what is wrong with the file."""
    try:
        yield path
    except OSError as away:
        raise ArchiveMissing(archive, path, away.strerror or "unreadable") from away
    except archive_files.Unreadable as changed:
        raise ArchiveChanged(archive, path, str(changed)) from changed


def _range(archive: Archive) -> str:
    return f"{archive.first_seq} to {archive.last_seq} of {archive.stream}"
