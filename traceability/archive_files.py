"""The files that archived entries stand in: their names and their form.

A file holds one JSON line for each entry, after a line that says what it is, compressed. What may be erased lawfully
stands in a second file beside it: the first one never changes, and its entries fix the digests of what the second
holds. Needs no database.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

FORMAT = "coordinator-archive-1"
COLUMNS = (
    "id", "stream", "seq", "kind", "schema", "actor_kind", "actor_id", "actor_name", "on_behalf_of", "request_id",
    "subject_type", "subject_id", "subject_key", "mission_id", "task_id", "agent_id", "occurred_at", "recorded_at",
    "canonical", "hash",
)  # fmt: skip
"""What a line tells of an entry: every stored column but the transaction id, and but the body."""

SEALED = '{"$erasable":'
NAMED = {"sprint": re.compile(r'"sprint":\{"id":(\d+),')}
"""What readers of other things look for in archived entries."""

MADE = ("agent", "mission", "task")
"""What was made in a file is found by its key: the first line has the id of each."""

SEALED_IN_LINE = orjson.dumps(SEALED)[1:-1]
"""The same where the canonical text is a text in a text."""

HELD = 4
"""So many files a process keeps read; one holds at most some 16 MiB."""

HEADERS_HELD = 10_000

Line = dict[str, Any]
Stamp = tuple[int, int, int]
"""What changes when a file is written anew."""


class Unreadable(ValueError):
    """These bytes are no archive."""


def name_of(stream: str, first: int, last: int) -> str:
    return f"{stream.replace(':', '-')}-{first}-{last}.jsonl.gz"


def texts_beside(path: Path) -> Path:
    """The file of the texts that may be erased."""
    return path.with_name(path.name.removesuffix(".jsonl.gz") + ".texts.jsonl.gz")


def packed(header: Mapping[str, Any], lines: Sequence[Line]) -> bytes:
    """The file of these entries: the same entries give the same bytes."""
    first = {"format": FORMAT, **header, "made": {noun: _made(noun, lines) for noun in MADE}}
    return _compressed([first, *({name: line[name] for name in COLUMNS} for line in lines)])


def named(lines: Sequence[Line]) -> dict[str, list[int]]:
    """The ids of what readers of other things look for in these entries, by a word of `NAMED`."""
    return {
        noun: sorted({int(found) for line in lines for found in pattern.findall(line["canonical"])})
        for noun, pattern in NAMED.items()
    }


def _made(noun: str, lines: Sequence[Line]) -> dict[str, int]:
    told = (orjson.loads(line["canonical"])["refs"][noun] for line in lines if line["kind"] == f"{noun}.created")
    return {ref["key"]: ref["id"] for ref in told}


def packed_texts(header: Mapping[str, Any], bodies: Mapping[int, str]) -> bytes:
    """The file of the texts beside them, by seq."""
    told = [{"seq": seq, "body": body} for seq, body in sorted(bodies.items())]
    return _compressed([{"format": FORMAT, **header}, *told])


def unpacked(data: bytes) -> tuple[Line, tuple[bytes, ...]]:
    """What the file says it is, and its lines, not yet read. Raises Unreadable."""
    try:
        first, *lines = gzip.decompress(data).splitlines()
        header = orjson.loads(first)
    except (OSError, EOFError, ValueError, zlib.error) as problem:
        raise Unreadable(str(problem)) from problem
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Unreadable(f"it does not begin as a file of the format {FORMAT}")
    return header, tuple(lines)


def texts(data: bytes) -> dict[int, str]:
    """The texts beside the entries, by seq. Raises Unreadable."""
    _, lines = unpacked(data)
    try:
        return {told["seq"]: told["body"] for told in map(orjson.loads, lines)}
    except (ValueError, KeyError, TypeError) as problem:
        raise Unreadable(str(problem)) from problem


def lines_of(path: Path, sha256: str) -> tuple[bytes, ...]:
    """The lines of a file with this digest, not yet read. Raises OSError, Unreadable."""
    return _lines(str(path), sha256, _stamp(path))


def header_of(path: Path, sha256: str) -> Line:
    """What a file with this digest says it is. Raises OSError, Unreadable."""
    return _header(str(path), sha256, _stamp(path))


def texts_of(path: Path) -> Mapping[int, str]:
    """The texts in a file, by seq. Raises OSError, Unreadable."""
    return _texts(str(path), _stamp(path))


def have_texts(lines: Sequence[bytes]) -> bool:
    """Whether an entry of these has texts that stand in the file beside."""
    return any(SEALED_IN_LINE in line for line in lines)


def without(body: str | None, paths: Container[str]) -> str | None:
    """A body without the texts at these paths; None when nothing is left."""
    held = orjson.loads(body or "{}")
    left = {path: kept for path, kept in held.items() if path not in paths}
    if left == held:
        return body
    return orjson.dumps(left, option=orjson.OPT_SORT_KEYS).decode() if left else None


def salvaged(data: bytes) -> Iterator[Line | None]:
    """Each line of a damaged file that can still be read, in order; None where one cannot."""
    engine, parts = zlib.decompressobj(wbits=31), list[bytes]()
    with suppress(zlib.error):
        parts.extend(engine.decompress(data[at : at + 64]) for at in range(0, len(data), 64))
    for line in b"".join(parts).splitlines()[1:]:
        try:
            found = orjson.loads(line)
        except ValueError:
            found = None
        yield found if isinstance(found, dict) else None


def _compressed(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines), mtime=0)


@lru_cache(maxsize=HELD)
def _lines(path: str, sha256: str, stamp: Stamp) -> tuple[bytes, ...]:
    return unpacked(_fitting(path, sha256))[1]


@lru_cache(maxsize=HEADERS_HELD)
def _header(path: str, sha256: str, stamp: Stamp) -> Line:
    return unpacked(_fitting(path, sha256))[0]


@lru_cache(maxsize=HELD)
def _texts(path: str, stamp: Stamp) -> dict[int, str]:
    return texts(Path(path).read_bytes())


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _fitting(path: str, sha256: str) -> bytes:
    data = Path(path).read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise Unreadable(f"its SHA-256 is {found}, and was {sha256}")
    return data
