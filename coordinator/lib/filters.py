"""Filters that a list names: each narrows a QuerySet, refuses what it does not understand, and shows in the schema."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from coordinator.lib.errors import Malformed

RESERVED = {"cursor", "page_size", "format"}


@dataclass(frozen=True)
class Choice:
    """One of a field's choices, or several separated by commas."""

    column: str
    choices: Any
    description: str = "One value, or several separated by commas."

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        wanted = value.split(",")
        known = [str(choice) for choice in getattr(self.choices, "values", self.choices)]
        if unknown := [word for word in wanted if word not in known]:
            raise Malformed(f"{unknown[0]!r} is not one of {', '.join(known)}.")
        return rows.filter(**{f"{self.column}__in": wanted})


@dataclass(frozen=True)
class Belongs:
    """Rows that point at one resource, named by integer id or public key. An unknown one gives an empty list."""

    column: str
    model: type[Model]
    description: str = "An integer id or a public key."
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        _refuse_nul(value)
        named = self.model.objects.named(value)  # type: ignore[attr-defined]
        return rows.filter(**{f"{self.column}__in": named.values("pk")})


@dataclass(frozen=True)
class Equals:
    """Rows whose text column is exactly this."""

    column: str
    description: str = "The exact value."
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        _refuse_nul(value)
        return rows.filter(**{self.column: value})


@dataclass(frozen=True, init=False)
class Search:
    """Rows with this text in one of some columns, whatever the case."""

    columns: tuple[str, ...]
    description: str = "Text to look for."

    def __init__(self, *columns: str) -> None:
        object.__setattr__(self, "columns", columns)

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        _refuse_nul(value)
        wanted = Q()
        for column in self.columns:
            wanted |= Q(**{f"{column}__icontains": value})
        return rows.filter(wanted)


@dataclass(frozen=True)
class Since:
    """Rows at or after an instant (`after`), or before it (with `lookup="lt"`)."""

    column: str
    lookup: str = "gte"
    description: str = "An RFC 3339 time."
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string", "format": "date-time"})

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.column}__{self.lookup}": instant(value)})


@dataclass(frozen=True)
class Flag:
    """`true` narrows by a function of the QuerySet; `false` narrows by its opposite when there is one."""

    chosen: Callable[[QuerySet[Any]], QuerySet[Any]]
    otherwise: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None
    description: str = "true or false."
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "boolean"})

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "true":
            return self.chosen(rows)
        if value == "false":
            return self.otherwise(rows) if self.otherwise else rows
        raise Malformed(f"{value[:50]!r} is not true or false.")


@dataclass(frozen=True)
class Made:
    """A filter by a function of the QuerySet and the value."""

    by: Callable[[QuerySet[Any], str], QuerySet[Any]]
    description: str = ""
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})

    def narrow(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        _refuse_nul(value)
        return self.by(rows, value)


def instant(value: str) -> datetime:
    """An RFC 3339 time with its zone. Raises Malformed."""
    try:
        found = parse_datetime(value.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Malformed(f"{value[:50]!r} is not an RFC 3339 time with a zone, such as 2026-11-24T12:00:00Z.")
    return found


def narrow(rows: QuerySet[Any], params: Any, filters: dict[str, Any], also: Iterable[str] = ()) -> QuerySet[Any]:
    """Applies every parameter of the query. Raises Malformed for one that the list does not have."""
    for name in params:
        if name in RESERVED or name in also:
            continue
        if name not in filters:
            known = ", ".join(sorted(filters)) or "no filter"
            raise Malformed(f"There is no filter {name[:50]!r} here; this list takes {known}.")
        rows = filters[name].narrow(rows, params[name])
    return rows


def _refuse_nul(value: str) -> None:
    if "\x00" in value:
        raise Malformed("Text must not contain the NUL character.")
