"""What an examination answers."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `mend` says what to do; empty when nothing has to be done."""

    about: str
    level: Level
    text: str
    mend: str = ""
