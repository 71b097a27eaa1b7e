"""What a run has put out and nobody has kept yet: kept twice a second, or sooner when it is much."""

import time

from missions.services.writing_output import LONGEST_CHUNK, LONGEST_OUTPUT, Piece, Stream, clean

EVERY_S = 0.5
EVERY_S_WHEN_MUCH = 0.1


class Outlet:
    """Gathers pieces in memory, and of very much only the last."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.size = 0
        self.kept = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether it is time to keep what was gathered."""
        waited = time.monotonic() - self.kept
        return bool(self.pieces) and waited >= (EVERY_S_WHEN_MUCH if self.size >= LONGEST_CHUNK else EVERY_S)

    def put(self, stream: Stream, text: str) -> None:
        if text := clean(text):
            if self.pieces and self.pieces[-1].stream == stream:
                last = self.pieces.pop()
                text, lost = last.text + text, last.lost
            else:
                lost = 0
            self.pieces.append(Piece(stream, text, lost))
            self._bound()

    def take(self) -> list[Piece]:
        """All of it, to be kept."""
        taken, self.pieces, self.size, self.kept = self.pieces, [], 0, time.monotonic()
        return taken

    def give_back(self, pieces: list[Piece]) -> None:
        """Puts back what could not be kept."""
        self.pieces = pieces + self.pieces
        self._bound()

    def _bound(self) -> None:
        self.size = sum(len(piece.text) for piece in self.pieces)
        while self.size > LONGEST_OUTPUT:
            first = self.pieces.pop(0)
            surplus = min(self.size - LONGEST_OUTPUT, len(first.text))
            rest = first._replace(text=first.text[surplus:], lost=first.lost + surplus)
            if not rest.text:
                rest = self.pieces.pop(0)
                rest = rest._replace(lost=rest.lost + first.lost + surplus)
            self.pieces.insert(0, rest)
            self.size -= surplus
