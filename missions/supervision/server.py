"""One mission's process: its state in memory, folded from its stream and caught up with it each turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from missions.replay import stream_of
from missions.replaying import folding, reading
from missions.replaying.folding import CannotFold
from missions.replaying.state import State
from traceability.models import StreamHead

__all__ = ["CannotFold", "MissionServer", "behind"]


@dataclass
class MissionServer:
    """A pure cache of the stream: it may be thrown away at any time and folds again from the first entry."""

    mission_id: int
    seq: int = 0
    state: State = field(default_factory=State)

    @property
    def stream(self) -> str:
        return stream_of(self.mission_id)

    def catch_up(self) -> int:
        """Folds what is new; answers how many entries. Raises CannotFold."""
        before = self.seq
        for told in reading.entries(self.stream, after=self.seq):
            folding.apply(self.state, told)
            self.seq = told.seq
        return self.seq - before


def behind(servers: Iterable[MissionServer]) -> list[MissionServer]:
    """The servers whose stream has entries that they have not folded, found with one statement."""
    by_stream = {server.stream: server for server in servers}
    heads = StreamHead.objects.filter(stream__in=by_stream).values_list("stream", "seq")
    return [by_stream[stream] for stream, seq in heads if seq > by_stream[stream].seq]
