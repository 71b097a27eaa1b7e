"""Erasing a text wherever it stands: in history, in the rows that history tells of, and in what was made of them.

What a mission's trace folds into becomes in its rows what the fold now gives, so that replay equals them. Elsewhere
a copy of the text is replaced by `[erased]`.
"""

import re
from collections import Counter
from collections.abc import Iterable

from coordinator.lib.errors import Conflict, Invalid
from missions.services import erasing_copies, erasing_rows
from missions.services.erasing_rows import Gone
from traceability import bodies, ledger
from traceability.models import Entry
from traceability.services import erasing, erasing_archived
from traceability.services.erasing import SHORTEST, Erasure, Order

WORD = re.compile(r"[a-z_-]*\Z")
"""One plain word is no copy of anything: statuses and kinds are such words."""


class StandsInTheChain(Conflict):
    """This text stands where history is hashed, or in a name, and cannot be erased there."""


def erase(entry: Entry, paths: Iterable[str], order: Order) -> Erasure:
    """Erases texts of one entry, and their copies about the same mission, agent or thing. Raises Invalid."""
    with erasing_archived.going(), ledger.writing():
        gone = _taken(entry, list(paths), order)
        texts = {leaf for each in gone for leaf in erasing.leaves(each.value) if _is_telling(leaf)}
        for text in sorted(texts):
            gone += _taken_everywhere(text, entry.stream, order)
        return _followed(gone, sorted(texts), entry, order)


def erase_text(text: str, order: Order) -> Erasure:
    """Erases every text of history that holds this one, and this one wherever else it stands.

    Raises Invalid for a text that is too short to be told from others, StandsInTheChain.
    """
    if len(text) < SHORTEST or "\x00" in text:
        raise Invalid({"text": [f"Name {SHORTEST} characters or more: a shorter text stands in too much else."]})
    if fixed := erasing.fixed_in(text):
        shown = ", ".join(map(str, fixed[:10]))
        raise StandsInTheChain(f"It stands in the chained text or in a name of entry {shown}, which nobody can change.")
    with erasing_archived.going(), ledger.writing():
        erased = _followed(_taken_everywhere(text, None, order), [text], None, order)
    erasing_copies.forget_stems(text, erased.copies)
    return erased


def left(text: str) -> list[str]:
    """Where in the whole database the text still stands, each as `table.column`."""
    return erasing_copies.left(text)


def standing(text: str) -> dict[str, int]:
    """How many rows of which table hold the text, in the whole database."""
    return erasing_copies.standing(text)


def _taken(entry: Entry, paths: list[str], order: Order) -> list[Gone]:
    held = bodies.held(entry.body)
    erased = erasing.erase(entry, paths, order)
    return [Gone(entry=entry, path=path, value=held[path]["value"]) for path in erased]


def _taken_everywhere(text: str, stream: str | None, order: Order) -> list[Gone]:
    found = erasing.holding(text, stream=stream)
    return [gone for entry, paths in found for gone in _taken(entry, paths, order)]


def _followed(gone: list[Gone], texts: list[str], about: Entry | None, order: Order) -> Erasure:
    """The rows, once history is without the texts."""
    copies: Counter[str] = Counter()
    for mission_id in sorted({each.entry.mission_id for each in gone if each.entry.mission_id is not None}):
        copies += erasing_rows.follow_history(mission_id, now=order.now)
    for each in gone:
        copies += erasing_rows.empty(each, now=order.now)
    for text in texts:
        copies += erasing_copies.replace(text, about, actor=order.actor, now=order.now)
    entries: dict[int, list[str]] = {}
    for each in gone:
        entries.setdefault(each.entry.pk, []).append(each.path)
    return Erasure(entries=entries, copies=dict(copies))


def _is_telling(text: str) -> bool:
    return len(text) >= SHORTEST and not WORD.match(text)
