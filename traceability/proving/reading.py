"""Reading the ledger for a check: plain rows by the thousand, not models."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from traceability.chain import first_link
from traceability.proving.entries import MOMENT, SELECTED, STREAM, Row
from traceability.proving.walk import Place

BATCH = 2000
Streams = Sequence[str] | None
"""The streams to read; None is all of them."""

ENTRIES = f"""
SELECT {SELECTED} FROM traceability_entry AS entry
WHERE (%(streams)s::text[] IS NULL OR stream = ANY (%(streams)s))
"""
LATER = """
AND NOT EXISTS (
    SELECT 1 FROM unnest(%(names)s::text[], %(seqs)s::bigint[]) AS start (stream, seq)
    WHERE start.stream = entry.stream AND entry.seq <= start.seq
)
"""
BROKEN = """
SELECT DISTINCT stream FROM (
    SELECT entry.stream, entry.seq, entry.hash, entry.canonical, entry.recorded_at,
        coalesce(lag(entry.seq) OVER chain, start.seq, 0) AS seq_before,
        coalesce(lag(entry.hash) OVER chain, start.hash,
            sha256(convert_to('coordinator-trace-v1' || %(installation)s || entry.stream, 'UTF8'))) AS before
    FROM traceability_entry AS entry
    LEFT JOIN (
        SELECT DISTINCT ON (stream) stream, last_seq AS seq, hash FROM traceability_archive
        ORDER BY stream, last_seq DESC
    ) AS start USING (stream)
    WHERE %(streams)s::text[] IS NULL OR entry.stream = ANY (%(streams)s)
    WINDOW chain AS (PARTITION BY entry.stream ORDER BY entry.seq)
) AS chained
WHERE seq <> seq_before + 1 OR hash IS DISTINCT FROM sha256('\\x00'::bytea || before || convert_to(
    stream || E'\\x1f' || seq || E'\\x1f'
    || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || E'\\x1f' || canonical, 'UTF8'))
"""

ILL_ENDED = """
WITH last AS (
    SELECT stream, max(seq) AS seq FROM (
        SELECT stream, max(seq) AS seq FROM traceability_entry GROUP BY stream
        UNION ALL SELECT stream, last_seq FROM traceability_archive
    ) AS ends GROUP BY stream
), ended AS (
    SELECT stream, last.seq, head.seq AS head_seq, head.hash AS head_hash
    FROM last FULL JOIN traceability_streamhead AS head USING (stream)
)
SELECT ended.stream FROM ended
LEFT JOIN traceability_entry AS entry ON entry.stream = ended.stream AND entry.seq = ended.seq
LEFT JOIN traceability_archive AS archive ON archive.stream = ended.stream AND archive.last_seq = ended.seq
WHERE (ended.head_seq IS DISTINCT FROM ended.seq OR ended.head_hash IS DISTINCT FROM coalesce(entry.hash, archive.hash))
AND (%(streams)s::text[] IS NULL OR ended.stream = ANY (%(streams)s))
"""
UNLIKE = """
SELECT DISTINCT pin.stream FROM unnest(%(names)s::text[], %(seqs)s::bigint[], %(hashes)s::bytea[])
    AS pin (stream, seq, hash)
LEFT JOIN traceability_entry AS entry USING (stream, seq)
LEFT JOIN traceability_archive AS archive ON archive.stream = pin.stream
    AND pin.seq BETWEEN archive.first_seq AND archive.last_seq
WHERE entry.hash IS DISTINCT FROM pin.hash AND archive.stream IS NULL
"""
MISDATED = f"""
SELECT head.stream, head.seq, {MOMENT.format("head.at")}, {MOMENT.format("entry.recorded_at")}
FROM traceability_streamhead AS head LEFT JOIN traceability_entry AS entry USING (stream, seq)
WHERE head.at <> '-infinity' AND head.at IS DISTINCT FROM entry.recorded_at
AND (%(streams)s::text[] IS NULL OR head.stream = ANY (%(streams)s))
ORDER BY head.stream
"""


@contextmanager
def entries(streams: Streams, starts: Mapping[str, Place]) -> Iterator[Iterator[tuple[str, Iterator[Row]]]]:
    """The entries behind `starts`, stream by stream in the order of their numbers, a batch at a time."""
    values: dict[str, Any] = {"streams": _array(streams)}
    query = ENTRIES
    if starts:
        query += LATER
        values |= {"names": list(starts), "seqs": [start.seq for start in starts.values()]}
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{query} ORDER BY stream, seq, id", values)
        yield groupby(_rows(cursor), key=itemgetter(STREAM))


def _rows(cursor: Any) -> Iterator[Row]:
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def heads(streams: Streams) -> dict[str, Place]:
    return _places("SELECT stream, seq, hash FROM traceability_streamhead", streams)


def archived(streams: Streams) -> dict[str, Place]:
    """Where the entries in the table begin, for streams whose first entries stand in files."""
    latest = "SELECT DISTINCT ON (stream) stream, last_seq, hash FROM traceability_archive"
    return _places(latest, streams, "ORDER BY stream, last_seq DESC")


def _places(query: str, streams: Streams, order: str = "") -> dict[str, Place]:
    where = "WHERE %(streams)s::text[] IS NULL OR stream = ANY (%(streams)s)"
    with connection.cursor() as cursor:
        cursor.execute(f"{query} {where} {order}", {"streams": _array(streams)})
        return {stream: Place(seq, bytes(digest)) for stream, seq, digest in cursor.fetchall()}


def broken(streams: Streams, installation: str) -> list[str]:
    """The streams in which a hash or a number does not follow, found by the database itself."""
    with connection.cursor() as cursor:
        cursor.execute(BROKEN, {"streams": _array(streams), "installation": installation})
        return [stream for (stream,) in cursor.fetchall()]


def count(streams: Streams) -> dict[str, int]:
    """How many entries each stream has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stream, count(*) FROM traceability_entry"
            " WHERE %(streams)s::text[] IS NULL OR stream = ANY (%(streams)s) GROUP BY stream",
            {"streams": _array(streams)},
        )
        return dict(cursor.fetchall())


def ill_ended(streams: Streams) -> list[str]:
    """The streams whose last entry is not their head's, or that have entries and no head."""
    with connection.cursor() as cursor:
        cursor.execute(ILL_ENDED, {"streams": _array(streams)})
        return [stream for (stream,) in cursor.fetchall()]


def unlike(pins: Sequence[tuple[str, int, bytes]]) -> list[str]:
    """The streams that have other entries than these (stream, seq, hash), or do not have them at all."""
    streams, seqs, digests = (list(each) for each in zip(*pins, strict=True)) if pins else ([], [], [])
    with connection.cursor() as cursor:
        cursor.execute(UNLIKE, {"names": streams, "seqs": seqs, "hashes": digests})
        return [stream for (stream,) in cursor.fetchall()]


def misdated(streams: Streams) -> list[tuple[str, int, str, str | None]]:
    """Stream, seq and time of each head whose time is not its entry's, and that time; None for one not in the table.

    A head that was made before heads had times has none.
    """
    with connection.cursor() as cursor:
        cursor.execute(MISDATED, {"streams": _array(streams)})
        return list(cursor.fetchall())


def last_id() -> int:
    """The highest id ever given to an entry."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_sequence_last_value('traceability_entry_order'), 0)")
        (found,) = cursor.fetchone()
    return int(found)


def beginning(stream: str, installation: str) -> Place:
    return Place(0, first_link(installation, stream))


def _array(streams: Streams) -> list[str] | None:
    return None if streams is None else list(streams)
