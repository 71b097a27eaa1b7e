"""Reading a stream fast: plain rows in batches, each text parsed once, no models."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from missions.replaying.folding import CannotFold
from missions.replaying.state import Told
from traceability import archiving, bodies

BATCH = 2000
ROWS = """
    SELECT id, seq, canonical, body FROM traceability_entry
    WHERE stream = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
"""
LAST = "SELECT seq FROM traceability_streamhead WHERE stream = %s"
LAST_BY = {
    int: "SELECT seq FROM traceability_entry WHERE stream = %s AND id <= %s ORDER BY seq DESC LIMIT 1",
    datetime: "SELECT seq FROM traceability_entry WHERE stream = %s AND recorded_at <= %s ORDER BY seq DESC LIMIT 1",
}
END = 2**62
SEALED = '{"$erasable":'

Row = tuple[int, int, str, str | None]
"""Id, seq, canonical text and body."""


def entries(stream: str, *, after: int = 0, upto: int = END) -> Iterator[Told]:
    """The entries of a stream with `after` < seq <= `upto`, in order, archived ones from their files.

    Raises CannotFold where one is missing, ArchiveMissing, ArchiveChanged.
    """
    for entry_id, seq, text, body in _stored(stream, after, upto):
        if seq != after + 1:
            raise CannotFold(stream, after + 1, "is missing")
        after = seq
        yield told(stream, entry_id, seq, text, body)


def position(stream: str, moment: int | datetime | None = None) -> int:
    """The seq of the last entry up to a moment (an entry's id or a time, inclusive; None: now); 0 before the first."""
    if moment is None:
        rows = _rows(LAST, [stream])
        return int(rows[0][0]) if rows else 0
    rows = _rows(LAST_BY[datetime if isinstance(moment, datetime) else int], [stream, moment])
    return int(rows[0][0]) if rows else archiving.position(stream, moment)


def _stored(stream: str, after: int, upto: int) -> Iterator[Row]:
    """Rows of the table in batches, preceded by those that were moved to files."""
    rows = _rows(ROWS, [stream, after, upto, BATCH])
    if not rows or rows[0][1] != after + 1:
        for line in archiving.lines(stream, after=after, upto=upto):
            yield line["id"], line["seq"], line["canonical"], line["body"]
    yield from rows
    while len(rows) == BATCH:
        rows = _rows(ROWS, [stream, rows[-1][1], upto, BATCH])
        yield from rows


def read(text: str, body: str | None) -> dict[str, Any]:
    """An entry's canonical text with its body filled in, as `bodies.read`; several times as fast for usual ones."""
    if '"$' not in text:
        found: dict[str, Any] = orjson.loads(text)
        return found
    held = _held(body)
    if not len(held) == text.count(SEALED) == text.count('"$'):
        return bodies.read(text, body)
    found = orjson.loads(text)
    for path, kept in held.items():
        _put(found["data"], path, kept["value"])
    return found


def _held(body: str | None) -> dict[str, Any]:
    """What a body holds; fast where no value has a form of its own in it."""
    found: dict[str, Any] = bodies.held(body) if body is None or '"$' in body else orjson.loads(body)
    return found


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *outer, name = path.split(".")
    for step in outer:
        data = data[step]
    data[name] = value


def told(stream: str, entry_id: int, seq: int, text: str, body: str | None) -> Told:
    try:
        told = read(text, body)
        return Told(
            entry_id, stream, seq, told["kind"], told["schema"], told["occurred_at"], told["actor"]["name"],
            told["refs"], told["data"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as problem:
        raise CannotFold(stream, seq, f"cannot be read: {problem!r}") from problem


def _rows(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
    return found
