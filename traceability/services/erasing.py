"""Erasing texts of history lawfully: the entry stays as it was chained, and another entry tells what was taken out.

What else keeps such a text (rows, remembered answers) is erased by the room that `TRACE_ERASER` names.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import chain
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import connection
from django.db.models import Q

from coordinator.lib.errors import Invalid
from coordinator.lib.refs import Ref, Subject
from traceability import archiving, bodies, ledger
from traceability.events import Actor, TextsErased
from traceability.models import Entry
from traceability.services import erasing_archived

SHORTEST = 8
"""A shorter text is not looked for: it stands in too much that means something else."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """Why texts are erased, by whom, and when."""

    reason: str
    actor: Actor
    now: datetime

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise Invalid({"reason": ["Say why: it stays on record."]})


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What was erased: the paths of each entry by its id, and how many rows of which table lost a copy."""

    entries: Mapping[int, list[str]]
    copies: Mapping[str, int]


class Eraser(Protocol):
    def erase(self, entry: Entry, paths: Iterable[str], order: Order) -> Erasure: ...

    def erase_text(self, text: str, order: Order) -> Erasure: ...

    def standing(self, text: str) -> dict[str, int]: ...


def eraser() -> Eraser:
    """The module that erases a text wherever it stands, named by the setting `TRACE_ERASER`."""
    return cast(Eraser, import_module(settings.TRACE_ERASER))


def erase(entry: Entry, paths: Iterable[str], order: Order) -> list[str]:
    """Takes these texts out of the entry's body and tells it in the same stream; answers the paths that held one.

    Inside the caller's `ledger.writing()`. Raises Invalid for a path that holds no erasable text.
    """
    held, wanted = bodies.held(entry.body), sorted(set(paths))
    if not wanted or (unknown := [path for path in wanted if path not in held]):
        raise Invalid({"paths": [_unknown(unknown if wanted else [], held)]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceability_erase(%s, %s)", [entry.pk, wanted])
    erasing_archived.take_out(entry.stream, entry.seq, wanted)
    ledger.record(
        TextsErased(
            **_refs(entry), entry=entry.pk, of_stream=entry.stream, seq=entry.seq, paths=wanted, reason=order.reason
        ),
        actor=order.actor,
        at=order.now,
    )
    return wanted


def holding(text: str, *, stream: str | None = None) -> list[tuple[Entry, list[str]]]:
    """The entries, archived or not, that hold a text where it can be erased, each with the paths.

    Raises ArchiveMissing, ArchiveChanged.
    """
    rows = Entry.objects.filter(body__contains=escaped(text)).order_by("pk")
    in_table = (rows.filter(stream=stream) if stream else rows).iterator()
    archived = archiving.holding(escaped(text), stream=stream)
    found = ((entry, paths_of(entry, text)) for entry in chain(archived, in_table))
    return [(entry, paths) for entry, paths in found if paths]


def paths_of(entry: Entry, text: str) -> list[str]:
    """The entry's erasable paths whose value holds this text."""
    held = bodies.held(entry.body)
    return sorted(path for path, kept in held.items() if any(text in leaf for leaf in leaves(kept["value"])))


def fixed_in(text: str) -> list[int]:
    """The entries whose chained text or columns hold this text, where it cannot be erased."""
    chained = Q(canonical__contains=escaped(text)) | Q(actor_name__contains=text) | Q(subject_key__contains=text)
    in_table = Entry.objects.filter(chained).order_by("pk").values_list("pk", flat=True)[:100]
    return [*(entry.pk for entry in archiving.holding(escaped(text)) if escaped(text) in entry.canonical), *in_table]


def escaped(text: str) -> str:
    """The text as it stands within JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def leaves(value: Any) -> Iterable[str]:
    """Every text within a value, the names of an object among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def _refs(entry: Entry) -> dict[str, Any]:
    refs: dict[str, Any] = {}
    for noun in ("mission", "task", "agent"):
        if (key := entry.key_of(noun)) is not None:
            refs[noun] = Ref(getattr(entry, f"{noun}_id"), key)
    if entry.subject_id is not None:
        refs["subject"] = Subject(str(entry.subject_type), entry.subject_id, str(entry.subject_key))
    return refs


def _unknown(paths: list[str], held: Mapping[str, Any]) -> str:
    known = f"It holds {', '.join(sorted(held))}." if held else "Nothing of it can be erased."
    return f"No text stands at {', '.join(paths)}. {known}" if paths else f"Name what to erase. {known}"
