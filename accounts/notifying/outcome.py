"""How one attempt to send went."""

from dataclasses import dataclass
from datetime import timedelta

LONGEST = 1024


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`status` is the receiver's, if it answered; `gone`: it will never take messages again; `asked`: wait so long."""

    ok: bool
    said: str
    took_ms: int = 0
    status: int | None = None
    gone: bool = False
    asked: timedelta = timedelta()

    @property
    def excerpt(self) -> str:
        """What it said, as it is kept: text without NUL, at most 1024 characters."""
        return self.said.replace("\x00", "")[:LONGEST]
