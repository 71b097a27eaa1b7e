"""One row of a plan, whatever the form it is written in: its type, its key, and its values as text.

Pure: no database, no clock, no settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

COLUMNS: dict[str, tuple[str, ...]] = {
    "objective": ("title", "description", "owner", "status"),
    "key_result": ("parent", "title", "start", "target", "current", "unit", "weight"),
    "requirement": ("parent", "title", "description", "priority", "horizon", "status", "revision"),
    "task": ("parent", "title", "status", "revision"),
}
"""The values of each type of row. `parent` is the key of the row above it; a task is told, never imported."""

ALL = tuple(dict.fromkeys(name for names in COLUMNS.values() for name in names))
TEXTS = frozenset({"parent", "description", "owner", "unit"})
"""Values that may be empty; an empty one of the others is left out: it stays as it is."""

WORDS = {"objective": "Objective", "key_result": "Key result", "requirement": "Requirement", "task": "Task"}


@dataclass(frozen=True)
class Row:
    """`line` is where it stands in the text that it was read from, from 1."""

    type: str
    key: str
    values: dict[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class Fault:
    """What is wrong at a line; `field` is the value's name, or `line` when it is the whole."""

    line: int
    field: str
    text: str


class Unreadable(ValueError):
    """The text is not in this form at all."""


Rows = tuple[list[Row], list[Fault]]


@dataclass(frozen=True)
class Form:
    """`write` takes the rows in the order of the tree and a moment; `read` raises Unreadable."""

    media_type: str
    write: Callable[[Sequence[Row], datetime], str]
    read: Callable[[str], Rows]


def checked(kind: str, key: str, values: dict[str, str], line: int) -> tuple[Row | None, list[Fault]]:
    """The row, when its type and the names of its values are known."""
    if kind not in COLUMNS:
        return None, [Fault(line, "type", f"{kind[:50]!r} is not one of {', '.join(COLUMNS)}.")]
    given = {name: value for name, value in values.items() if value or name in TEXTS}
    faults = [
        Fault(line, name[:100], f"A row of type {kind} has no such value.")
        for name, value in values.items()
        if name not in COLUMNS[kind] and (value or name not in ALL)
    ]
    return Row(kind, key, {name: given[name] for name in COLUMNS[kind] if name in given}, line), faults
