"""What readers of the live stream ask for: which topics, from which id on, and what they missed of them."""

from collections.abc import AsyncIterator
from typing import Any

from channels.db import database_sync_to_async
from django.db.models import Max, Q

from agents.models import Agent
from coordinator.lib.errors import Malformed, NotAllowed
from missions.models import Mission, Task
from traceability import topics
from traceability.models import Archive, Entry
from traceability.told import COLUMNS, Told, told

PAGE = 500
"""Entries that are read at a time for a reader who comes back."""

LONGEST_TOPIC = 110
TABLES: dict[str, Any] = {"mission": Mission, "task": Task, "agent": Agent}


async def missed(after: int, upto: int, wanted: frozenset[str]) -> AsyncIterator[list[Told]]:
    """The entries of these topics between two ids, a page at a time: as fast as the reader takes them."""
    while after < upto:
        found = await database_sync_to_async(page)(after, upto, wanted)
        yield found
        after = found[-1].id if len(found) == PAGE else upto


def page(after: int, upto: int, wanted: frozenset[str]) -> list[Told]:
    rows = Entry.objects.filter(_of(wanted), pk__gt=after, pk__lte=upto).order_by("pk").values(*COLUMNS)[:PAGE]
    return [told(dict(row)) for row in rows]


def _of(wanted: frozenset[str]) -> Q:
    """The entries of any of these topics."""
    found, numbers = Q(pk__in=[]), dict[str, list[int]]()
    for topic in wanted:
        noun, _, number = topic.partition(":")
        if number:
            numbers.setdefault(f"{noun}_id__in", []).append(int(number))
        for each in () if number else topics.nouns_of(topic):
            found |= Q(kind__startswith=f"{each}.")
    for column, ids in numbers.items():
        found |= Q(**{column: ids})
    return found


def reaches(after: int, upto: int) -> bool:
    """Whether the ledger still holds all that came after an id, which it gave itself. `upto` is an id that it gave."""
    archived = Archive.objects.aggregate(last=Max("last_id"))["last"] or 0
    return archived <= after and (after <= upto or after <= newest())


def newest() -> int:
    return Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0


def resolve(names: list[str]) -> dict[str, str]:
    """Each name with its canonical topic: `mission:checkout` is `mission:12`. One query for each kind of thing."""
    found = {name: name for name in names if ":" not in name}
    for noun in TABLES:
        keys = {key for name in names for kind, _, key in [name.partition(":")] if kind == noun and key}
        found.update(_named(noun, keys) if keys else {})
    return found


def _named(noun: str, keys: set[str]) -> dict[str, str]:
    table = TABLES[noun]
    numbers = [int(key) for key in keys if key.isdigit() and len(key) < 19]
    wanted = Q(pk__in=numbers) | Q(**{f"{table.KEY}__in": [key for key in keys if "\x00" not in key]})
    rows = table.objects.filter(wanted).values_list("pk", table.KEY)
    known = {str(name): pk for row in rows for name, pk in ((row[0], row[0]), (row[1], row[0]))}
    return {f"{noun}:{key}": f"{noun}:{known[key]}" for key in keys if key in known}


def checked(names: list[Any], scopes: frozenset[str]) -> list[str]:
    """The names, which are topics that these scopes open. Raises Malformed, NotAllowed."""
    odd = [name for name in names if not (isinstance(name, str) and name.isascii() and len(name) <= LONGEST_TOPIC)]
    if unknown := odd or topics.unknown(names):
        raise Malformed(f"There is no topic {str(unknown[0])[:LONGEST_TOPIC]!r}.")
    if refused := [name for name in names if topics.scope_of(name) not in scopes]:
        raise NotAllowed(f"This credential may not read {refused[0]!r}.")
    return names


def id_of(given: Any) -> int | None:
    """The id that a reader names as its last; None when it names none. Raises Malformed."""
    if given is None or given == "":
        return None
    text = str(given) if isinstance(given, (int, str)) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed("`after` is the id of the last frame that you saw.")
    return int(text)
