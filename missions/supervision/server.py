"""One mission's process: its standing in memory, folded entry by entry."""

from dataclasses import dataclass, field

from missions.replay import stream_of
from missions.replaying.state import Told
from missions.standing import folding
from missions.standing.state import Standing


@dataclass(slots=True)
class MissionServer:
    """A pure cache of the stream: it may be thrown away at any time and folds again from the first entry.

    `kept` is the seq of the last checkpoint, `shown` that of the standing that others can read.
    """

    mission_id: int
    seq: int = 0
    standing: Standing = field(default_factory=Standing)
    kept: int = 0
    shown: int = 0

    @property
    def stream(self) -> str:
        return stream_of(self.mission_id)

    def apply(self, told: Told) -> bool:
        """Folds the next entry and skips one that is folded already; False when one before it is missing.

        Raises CannotFold.
        """
        if told.seq == self.seq + 1:
            folding.apply(self.standing, told)
            self.seq = told.seq
        return told.seq <= self.seq

    def begin_anew(self) -> None:
        """Forgets what was folded."""
        self.seq, self.kept, self.shown, self.standing = 0, 0, 0, Standing()
