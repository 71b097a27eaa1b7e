"""Erasing texts of archived entries: the file beside their file is written anew without them.

The erasure is told in the ledger, as ever; the file follows once that is committed. Until then, whoever reads within
`going` sees the entries without the texts already. After a crash in between, `mend` does what was left.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from django.db import connection, transaction

from coordinator.lib.errors import Refusal
from traceability import archive_files, archiving, durable
from traceability.models import Archive
from traceability.proving import tellings

LOCK = "coordinator.archived-texts:{stream}"


@contextmanager
def going() -> Iterator[None]:
    """Reads within see archived entries without the texts that are being erased in it."""
    token = archiving.GOING.set({})
    try:
        yield
    finally:
        archiving.GOING.reset(token)


def take_out(stream: str, seq: int, paths: Iterable[str]) -> None:
    """Has these texts of an archived entry leave their file once the transaction has committed.

    Inside the transaction that tells it; nothing happens for an entry that stands in the table.
    """
    wanted = frozenset(paths)
    if archiving.covering(stream, seq) is None:
        return
    if (pending := archiving.GOING.get(None)) is not None:
        pending[stream, seq] = pending.get((stream, seq), frozenset()) | wanted
    transaction.on_commit(partial(_rewrite, stream, {seq: wanted}))


def mend() -> int:
    """Takes out what the ledger says was erased and a file still holds; answers how many files were written anew.

    A file that is away is left: it is mended when it is back.
    """
    told: dict[str, dict[int, frozenset[str]]] = {}
    for (stream, seq), paths in tellings.erased().items():
        told.setdefault(stream, {})[seq] = frozenset(paths)
    return sum(_mend(stream, paths) for stream, paths in told.items())


def _mend(stream: str, told: Mapping[int, frozenset[str]]) -> int:
    try:
        return _rewrite(stream, told)
    except Refusal:
        return 0


def _rewrite(stream: str, told: Mapping[int, frozenset[str]]) -> int:
    """Writes each file of a stream that holds one of these texts anew; answers how many."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK.format(stream=stream)])
        archives = Archive.objects.filter(stream=stream).order_by("first_seq")
        return sum(_rewrite_one(archive, told) for archive in archives)


def _rewrite_one(archive: Archive, told: Mapping[int, frozenset[str]]) -> bool:
    within = {seq: paths for seq, paths in told.items() if archive.first_seq <= seq <= archive.last_seq}
    path = archive_files.texts_beside(archiving.path_of(archive))
    if not within or not path.exists():
        return False
    data = path.read_bytes()
    header, _ = archive_files.unpacked(data)
    held = archive_files.texts(data)
    left = {seq: archive_files.without(body, within.get(seq, frozenset())) for seq, body in held.items()}
    if left == held:
        return False
    durable.write(path, archive_files.packed_texts(header, {seq: body for seq, body in left.items() if body}))
    return True
