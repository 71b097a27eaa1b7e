"""How knowledge names a mission or a task without knowing their tables.

The room that owns them registers a resolver at start-up; from then on a document may name one by id or key.
"""

from collections.abc import Callable

from coordinator.lib.errors import Invalid, Missing
from coordinator.lib.refs import Ref

Resolver = Callable[[object], Ref]
"""Takes an integer id or a public key, answers the row's Ref, raises Missing."""

_resolvers: dict[str, Resolver] = {}


def register(noun: str, resolver: Resolver) -> None:
    """From now on `noun` (`mission`, `task`) is resolved so."""
    _resolvers[noun] = resolver


def resolve(noun: str, value: object) -> Ref:
    """The row that `value` names. Raises Invalid, naming the field, when there is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise Invalid({noun: ["Name it by its integer id or its public key."]})
    try:
        return _resolvers[noun](value)
    except (KeyError, Missing) as unknown:
        raise Invalid({noun: [f"There is no {noun} {str(value)[:100]!r}."]}) from unknown
