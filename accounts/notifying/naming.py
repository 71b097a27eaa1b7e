"""The topics that an endpoint may name, and which things their keys mean. Which of them an entry belongs to is in
`traceability.topics`; `needs-you` adds what waits for a person.

A room above registers how the keys of its things are found: `mission:checkout` means the mission of that key.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from coordinator.lib.errors import Invalid, Missing, NotAllowed
from coordinator.lib.refs import Ref
from traceability import topics

Resolver = Callable[[object], Ref]
"""Takes an integer id or a public key, answers the row's Ref, raises Missing."""

NEEDS_YOU = "needs-you"
WITHOUT_ENTRIES = {"presence"}
"""Topics of the live stream of which the ledger holds nothing."""

MOST = 100
NEEDS: Mapping[str, tuple[str, Collection[str]]] = {
    "approval.requested": ("", ()),
    "advisory.opened": ("severity", {"warning", "critical"}),
    "task.moved": ("after", {"pending_review", "blocked", "failed"}),
    "agent.status_changed": ("after", {"waiting", "blocked", "error"}),
    "mission.process_changed": ("state", {"crashed"}),
    "notification.paused": ("automatic", {"True"}),
}
"""Events that ask for a person: always, or when a field of theirs has one of these values."""

_resolvers: dict[str, Resolver] = {}


def register(noun: str, resolver: Resolver) -> None:
    """From now on `noun:key` is resolved so."""
    _resolvers[noun] = resolver


def needs_a_person(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an entry tells of something that waits for a person and that nobody has put off."""
    if kind not in NEEDS or data.get("snoozed_until"):
        return False
    field, values = NEEDS[kind]
    return not field or str(data.get(field)) in values


def resolved(names: list[str], scopes: frozenset[str]) -> dict[str, str]:
    """Each topic by the name that it keeps, with the route that entries carry: `mission:checkout` to `mission:12`.

    Raises Invalid for what is no topic, NotAllowed for one that these scopes do not open.
    """
    if not 0 < len(names) <= MOST:
        raise Invalid({"topics": [f"Name 1 to {MOST} topics."]})
    ordinary = [name for name in names if name != NEEDS_YOU]
    if unknown := [*topics.unknown(ordinary), *WITHOUT_ENTRIES.intersection(ordinary)]:
        raise Invalid({"topics": [f"There is no topic {unknown[0][:110]!r}."]})
    if shut := [name for name in ordinary if topics.scope_of(name) not in scopes]:
        raise NotAllowed(f"This credential may not read {shut[0]!r}.")
    return dict(_route(name) for name in names)


def _route(name: str) -> tuple[str, str]:
    noun, _, key = name.partition(":")
    if not key:
        return name, name
    try:
        ref = _resolvers[noun](key)
    except (KeyError, Missing) as unknown:
        raise Invalid({"topics": [f"There is no {noun} {key[:100]!r}."]}) from unknown
    return f"{noun}:{ref.key}", f"{noun}:{ref.id}"
