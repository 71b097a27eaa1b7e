"""Moving the entries of a closed stream from the table to files, so that they stay what they are and can be verified.

The file is on the disk and has been read back before its entries leave the table; both the leaving and the entry that
tells of it are one transaction. After a crash at any point the next run goes on: a file whose entries are still in
the table is recognised.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import ProgrammingError, connection
from psycopg.errors import InsufficientPrivilege

from coordinator.lib.errors import Conflict, NotAllowed
from traceability import archive_files, durable, ledger, verifying
from traceability.archive_files import Line
from traceability.events import Actor, EntriesArchived
from traceability.models import Archive, Installation, StreamHead

MOST_ENTRIES = 10_000
MOST_CHARACTERS = 16 * 2**20
"""One file holds no more than so many entries, and no more than so much text and one entry."""

LOCK = "coordinator.archive:{stream}"
TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS {0}"""
SELECTED = ", ".join(
    {
        "occurred_at": TIME.format("occurred_at"),
        "recorded_at": TIME.format("recorded_at"),
        "hash": "encode(hash, 'hex') AS hash",
    }.get(name, name)
    for name in archive_files.COLUMNS
)
ROWS = f"""
    SELECT {SELECTED}, body FROM (
        SELECT *, sum(length(canonical) + coalesce(length(body), 0)) OVER (ORDER BY seq) AS so_far
        FROM (
            SELECT * FROM traceability_entry WHERE stream = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
            FOR UPDATE
        ) AS next
    ) AS counted
    WHERE so_far - length(canonical) - coalesce(length(body), 0) <= %s ORDER BY seq
"""
MOVE = "SELECT traceability_archive_entries(%s, %s, %s)"


class NotIntact(Conflict):
    """This stream does not verify, so it is not archived."""


class BusyElsewhere(Conflict):
    """This stream is being archived by somebody else."""


class FileInTheWay(Conflict):
    """Another file has the name of the archive."""


class NotTheOwner(NotAllowed):
    """Entries are moved by the role that owns the ledger, and this one does not."""


@dataclass(frozen=True)
class Moved:
    """One file: the entries that stand in it now, and its size in bytes."""

    stream: str
    first_seq: int
    last_seq: int
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Packed:
    """A file as it shall be written, and the file of erasable texts beside it where there are such texts."""

    path: Path
    data: bytes
    texts: bytes | None

    @property
    def beside(self) -> Path:
        return archive_files.texts_beside(self.path)


def archive(stream: str, directory: Path, *, actor: Actor, now: datetime) -> Iterator[Moved]:
    """Moves all that stands in the table of a stream to files, one after the other.

    Raises NotIntact, BusyElsewhere, FileInTheWay, NotTheOwner.
    """
    head = StreamHead.objects.filter(stream=stream).first()
    if findings := [each for each in verifying.prove(stream).findings if each.stream == stream]:
        raise NotIntact(f"{findings[0]}. Nothing of {stream} was moved; see trace_verify.")
    while moved := _move(stream, head.seq if head else 0, directory, actor, now):
        yield moved


def _move(stream: str, upto: int, directory: Path, actor: Actor, now: datetime) -> Moved | None:
    """The next file of a stream; None when nothing is left."""
    with _as_owner(), ledger.writing():
        _alone(stream)
        before = Archive.objects.filter(stream=stream).order_by("-last_seq").first()
        lines = _lines(stream, before.last_seq if before else 0, upto)
        if not lines:
            return None
        packed = _packed(stream, before, lines, directory)
        digest = _stored(packed)
        told = EntriesArchived(
            of_stream=stream,
            first_seq=lines[0]["seq"],
            last_seq=lines[-1]["seq"],
            last_hash=lines[-1]["hash"],
            sha256=digest,
            named=archive_files.named(lines),
        )
        with connection.cursor() as cursor:
            cursor.execute(MOVE, [stream, told.last_seq, digest])
        ledger.record(told, actor=actor, at=now)
    return Moved(stream, told.first_seq, told.last_seq, packed.path, packed.path.stat().st_size, digest)


@contextmanager
def _as_owner() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as refused:
        if not isinstance(refused.__cause__, InsufficientPrivilege):
            raise
        raise NotTheOwner("Use the DATABASE_URL of the role that migrates; see docs/retention.md.") from refused


def _alone(stream: str) -> None:
    """Two commands at once do not write one file; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK.format(stream=stream)])
        if not cursor.fetchone()[0]:
            raise BusyElsewhere(f"{stream} is being archived by another process.")


def _lines(stream: str, after: int, upto: int) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [stream, after, upto, MOST_ENTRIES, MOST_CHARACTERS])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _packed(stream: str, before: Archive | None, lines: list[Line], directory: Path) -> Packed:
    header = {
        "installation": str(Installation.objects.get().uuid),
        "stream": stream,
        "first_seq": lines[0]["seq"],
        "last_seq": lines[-1]["seq"],
        "before": (bytes(before.hash) if before else verifying.first_link(stream)).hex(),
        "hash": lines[-1]["hash"],
    }
    name = archive_files.name_of(stream, header["first_seq"], header["last_seq"])
    bodies = {line["seq"]: line["body"] for line in lines if line["body"] is not None}
    sealed = any(archive_files.SEALED in line["canonical"] for line in lines)
    texts = archive_files.packed_texts(header, bodies) if sealed else None
    return Packed(directory / name, archive_files.packed(header, lines), texts)


def _stored(packed: Packed) -> str:
    """Has the files on the disk, reads them back and compares; answers the digest. Raises FileInTheWay.

    A file that a killed run left is taken when it holds the same entries.
    """
    _prepare(packed.path)
    if packed.texts is not None:
        _write(packed.beside, packed.texts)
    if not packed.path.exists():
        _write(packed.path, packed.data)
    found = packed.path.read_bytes()
    if found != packed.data and not _same(found, packed.data):
        raise FileInTheWay(f"{packed.path} holds something else: find out whose it is and move it away.")
    return hashlib.sha256(found).hexdigest()


def _write(path: Path, data: bytes) -> None:
    durable.write(path, data)
    if path.read_bytes() != data:
        raise FileInTheWay(f"{path} does not read back as it was written.")


def _same(found: bytes, wanted: bytes) -> bool:
    """Whether both files hold the same entries; another version of the compression writes other bytes."""
    try:
        return archive_files.unpacked(found) == archive_files.unpacked(wanted)
    except archive_files.Unreadable:
        return False


def _prepare(path: Path) -> None:
    """Makes the directory, and takes away what a killed run had begun to write."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        durable.settle(path.parent.parent)
    for each in (path, archive_files.texts_beside(path)):
        for left in path.parent.glob(f".{each.name}.*"):
            left.unlink(missing_ok=True)
