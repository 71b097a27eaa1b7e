"""One mission's process: its state in memory, folded from its stream and caught up with it each turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from missions import replay
from traceability.models import Entry, StreamHead

BROKEN = (KeyError, TypeError, ValueError, ArithmeticError)
"""What a fold raises when an entry does not fit the state before it."""


class CannotFold(RuntimeError):
    """The mission's trace does not fold: an entry is missing or does not fit."""


@dataclass
class MissionServer:
    """A pure cache of the stream: it may be thrown away at any time and folds again from the first entry."""

    mission_id: int
    seq: int = 0
    state: replay.State = field(default_factory=replay.State)

    @property
    def stream(self) -> str:
        return f"mission:{self.mission_id}"

    def catch_up(self) -> int:
        """Folds what is new; answers how many entries. Raises CannotFold."""
        before = self.seq
        for entry in Entry.objects.in_stream(self.stream).filter(seq__gt=self.seq).iterator(chunk_size=500):
            self._fold(entry)
        return self.seq - before

    def _fold(self, entry: Entry) -> None:
        if entry.seq != self.seq + 1:
            raise CannotFold(f"Entry {self.seq + 1} of {self.stream} is missing.")
        try:
            replay.apply(self.state, entry)
        except BROKEN as problem:
            raise CannotFold(
                f"Entry {entry.seq} of {self.stream} ({entry.kind}) does not fit: {problem!r}"
            ) from problem
        self.seq = entry.seq


def behind(servers: Iterable[MissionServer]) -> list[MissionServer]:
    """The servers whose stream has entries that they have not folded, found with one statement."""
    by_stream = {server.stream: server for server in servers}
    heads = StreamHead.objects.filter(stream__in=by_stream).values_list("stream", "seq")
    return [by_stream[stream] for stream, seq in heads if seq > by_stream[stream].seq]
