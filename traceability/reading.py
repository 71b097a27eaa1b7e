"""A stream read as one: its archived entries from their files, then those of the table.

`Whole` answers what lists ask of an `EntryQuerySet`, so that a mission's trace reads the same before and after it was
archived. Its conditions are looked at line by line; only the entries that are shown become rows.
"""

import operator
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Self

from django.db.models import Q

from traceability import archive_files, archiving
from traceability.archive_files import Line
from traceability.models import Entry
from traceability.models.entry import EntryQuerySet, hidden_from, of_kinds
from traceability.moments import one_moment

LOOKUPS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, among: value in among,
    "contains": operator.contains,
    "startswith": str.startswith,
}
COLUMNS = frozenset(archive_files.COLUMNS)
NUMBERS = frozenset({"id", "seq"})


def whole(stream: str) -> "Whole":
    """The entries of a mission or an agent, wherever they stand.

    Reading them raises ArchiveMissing or ArchiveChanged when their file is away or changed.
    """
    return Whole(stream, Entry.objects.filter(stream=stream))


@dataclass(frozen=True)
class Whole:
    """Entries of one stream that meet every condition, by id."""

    stream: str
    rows: EntryQuerySet
    conditions: tuple[Q, ...] = ()
    newest_first: bool = False

    def filter(self, *conditions: Q, **lookups: Any) -> Self:
        condition = Q(*conditions, **lookups)
        return replace(self, rows=self.rows.filter(condition), conditions=(*self.conditions, condition))

    def exclude(self, *conditions: Q, **lookups: Any) -> Self:
        return self.filter(~Q(*conditions, **lookups))

    def none(self) -> Self:
        return self.filter(pk__in=())

    def order_by(self, name: str) -> Self:
        """By `id` or `-id`: within a stream ids grow with seq."""
        if name.removeprefix("-") not in {"id", "pk"}:
            raise ValueError(f"a stream is ordered by id, not by {name}")
        return replace(self, newest_first=name.startswith("-"))

    def of_task(self, task_id: int) -> Self:
        return self.filter(task_id=task_id)

    def of_kind(self, *prefixes: str) -> Self:
        return self.filter(of_kinds(*prefixes))

    def readable_with(self, scopes: Container[str]) -> Self:
        return self.exclude(hidden_from(scopes))

    def called(self, noun: str, key: str) -> set[int]:
        return self.rows.called(noun, key)

    def __getitem__(self, wanted: slice) -> list[Entry]:
        """Reads no more of the files, or of the table, than it takes to get there."""
        with one_moment():
            return self._first(wanted.stop)[wanted.start :]

    def __iter__(self) -> Iterator[Entry]:
        with one_moment():
            return iter(self._first(None))

    def _first(self, count: int | None) -> list[Entry]:
        in_table = self.rows.order_by("-pk" if self.newest_first else "pk")
        if self.newest_first:
            found = list(in_table[:count])
            return [*found, *islice(self._archived(), None if count is None else count - len(found))]
        found = list(islice(self._archived(), count))
        return found if len(found) == count else [*found, *in_table[: None if count is None else count - len(found)]]

    def _archived(self) -> Iterator[Entry]:
        after, upto = self._bounds()
        for line in archiving.lines(self.stream, after=after, upto=upto, newest_first=self.newest_first):
            if all(holds(line, condition) for condition in self.conditions):
                yield archiving.entry(line)

    def _bounds(self) -> tuple[int, int]:
        """Which seqs the conditions on the id leave, so that a late page need not read all before it."""
        plain = (each for condition in self.conditions for each in condition.children if isinstance(each, tuple))
        named: dict[str, Any] = dict(plain)
        after = archiving.position(self.stream, int(named["id__gt"])) if "id__gt" in named else 0
        upto = archiving.position(self.stream, int(named["id__lt"]) - 1) if "id__lt" in named else archiving.END
        return after, upto


def holds(line: Line, condition: Q) -> bool:
    """Whether an archived entry meets a condition. Raises ValueError for a lookup that lists do not use."""
    parts: list[Any] = condition.children
    each = (_fits(line, *part) if isinstance(part, tuple) else holds(line, part) for part in parts)
    return (any(each) if condition.connector == Q.OR else all(each)) != condition.negated


def _fits(line: Line, lookup: str, wanted: Any) -> bool:
    column, _, word = lookup.partition("__")
    column = "id" if column == "pk" else column
    if column not in COLUMNS or (word or "exact") not in LOOKUPS:
        raise ValueError(f"archived entries are not asked for {lookup}")
    if isinstance(wanted, datetime):
        wanted = archiving.written(wanted)
    elif column in NUMBERS and isinstance(wanted, str):
        wanted = int(wanted)
    value = line[column]
    return value is not None and LOOKUPS[word or "exact"](value, wanted)
