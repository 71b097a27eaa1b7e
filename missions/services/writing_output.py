"""Keeping what an execution puts out: pieces become chunks, and of very much the first and the last part stay."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from missions.models import ExecutionOutput

Stream = ExecutionOutput.Stream

LONGEST_CHUNK = 8192
LONGEST_OUTPUT = 200_000
FIRST_PART = 2 * LONGEST_CHUNK
LAST_PART = LONGEST_OUTPUT - FIRST_PART - 2 * LONGEST_CHUNK
"""Characters: what begins in the first part or ends in the last one stays, so that all of it is never too long."""


class Piece(NamedTuple):
    """Something that was put out; `lost` characters before it are not known any more."""

    stream: Stream
    text: str
    lost: int = 0


def append(execution_id: int, pieces: Sequence[Piece], *, now: datetime) -> None:
    """Adds pieces to what a locked execution has put out; at most 3 statements."""
    if not pieces:
        return
    ends = ExecutionOutput.objects.filter(execution_id=execution_id).order_by("-seq")
    last = ends.only("seq", "start", "length").first()
    seq, start = (last.seq, last.end) if last else (0, 0)
    rows = []
    for piece in _parts(pieces):
        seq, start = seq + 1, start + piece.lost
        place = {"execution_id": execution_id, "seq": seq, "start": start, "length": len(piece.text)}
        rows.append(ExecutionOutput(**place, stream=piece.stream, text=piece.text, at=now))
        start += len(piece.text)
    ExecutionOutput.objects.bulk_create(rows)
    if start > LONGEST_OUTPUT:
        _leave_out(execution_id, upto=start - LAST_PART)


def clean(text: str) -> str:
    """The text as the database takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _leave_out(execution_id: int, *, upto: int) -> None:
    rows = ExecutionOutput.objects.filter(execution_id=execution_id, start__gte=FIRST_PART)
    rows.filter(start__lt=upto - LONGEST_CHUNK).delete()


def _parts(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces with none longer than a chunk, cut where a line ends when there is one."""
    for stream, text, lost in pieces:
        rest = clean(text)
        while rest:
            end = LONGEST_CHUNK if len(rest) > LONGEST_CHUNK else len(rest)
            if end < len(rest):
                end = rest.rfind("\n", 0, end) + 1 or end
            yield Piece(stream, rest[:end], lost)
            rest, lost = rest[end:], 0
