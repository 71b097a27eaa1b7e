"""What the ledger itself tells of its keeping: which texts were erased, and which entries stand in files now.

Whoever may append may append oddities: an entry that is none of ours in its data tells nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

ERASING, ARCHIVING = "trace.erased", "trace.archived"
Erasures = dict[tuple[str, int], set[str]]


@dataclass(frozen=True)
class Archiving:
    """What an entry tells of a file: the last of its entries, that one's hash and the file's digest, as hex."""

    last_seq: int
    last_hash: str
    sha256: str


def erased() -> Erasures:
    """Which paths of which entries the ledger itself says were erased."""
    found: Erasures = {}
    for text in texts_of(ERASING):
        add_erasure(found, text)
    return found


def add_erasure(found: Erasures, text: str) -> None:
    """Adds what one entry tells of an erasure."""
    if told := erasure_of(text):
        stream, seq, paths = told
        found.setdefault((stream, seq), set()).update(paths)


def erasure_of(text: str) -> tuple[str, int, frozenset[str]] | None:
    """Stream and seq of the entry that lost texts, and their paths; None when the text tells of no erasure."""
    data = _data(text)
    stream, seq, paths = data.get("of_stream"), data.get("seq"), data.get("paths")
    if not (isinstance(stream, str) and type(seq) is int and isinstance(paths, list)):
        return None
    return (stream, seq, frozenset(paths)) if all(isinstance(path, str) for path in paths) else None


def archivings() -> dict[tuple[str, int], Archiving]:
    """What the ledger tells of files, by stream and the first entry in it; what was told last counts."""
    found = {}
    for text in texts_of(ARCHIVING):
        data = _data(text)
        stream, first = data.get("of_stream"), data.get("first_seq")
        told = data.get("last_seq"), data.get("last_hash"), data.get("sha256")
        if isinstance(stream, str) and type(first) is int and type(told[0]) is int:
            found[stream, first] = Archiving(told[0], str(told[1]), str(told[2]))
    return found


def named(noun: str) -> Iterator[tuple[str, set[int]]]:
    """Each stream of which entries were archived, with the ids of what they tell of; see `archive_files.NAMED`."""
    for data in map(_data, texts_of(ARCHIVING)):
        stream, names = data.get("of_stream"), data.get("named")
        ids = names.get(noun) if isinstance(names, dict) else None
        if isinstance(stream, str) and isinstance(ids, list):
            yield stream, {each for each in ids if type(each) is int}


def texts_of(kind: str) -> Iterator[str]:
    """The texts of the table's entries of a kind, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical FROM traceability_entry WHERE kind = %s ORDER BY id", [kind])
        for (text,) in cursor.fetchall():
            yield text


def _data(text: str) -> dict[str, Any]:
    try:
        data = orjson.loads(text)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return {}
    return data if isinstance(data, dict) else {}
