"""Lost updates: a change names the version that it was made from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from coordinator.lib.errors import Invalid, Malformed, Stale
from coordinator.lib.models import Resource


class Versioned(Protocol):
    """A row with a version: a column, or a number that follows from how far the row has come."""

    @property
    def version(self) -> int: ...


def named_in(header: str) -> int | None:
    """The version that an `If-Match` names, or None when it names none. Raises Malformed."""
    given = header.strip()
    if given in {"", "*"}:
        return None
    tag = given.removeprefix("W/").strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise Malformed('If-Match takes one ETag as we sent it, for instance "3".')
    return int(tag)


def require(row: Versioned, expected: int | None) -> None:
    """Raises Stale when the caller read another version than the (locked) row has now."""
    if expected is not None and row.version != expected:
        raise Stale(
            f"You read version {expected}; it is now version {row.version}. Read it again, then repeat your change."
        )


def keep_key(row: Resource, fields: Mapping[str, Any]) -> None:
    """Raises Invalid when `fields` would rename the row: history and other rows name it by its public key."""
    if fields.get(row.KEY, row.key) != row.key:
        raise Invalid({row.KEY: [f"A public key does not change; this is {row.key!r}."]})


def bump(row: Resource, *, now: datetime, **changes: Any) -> dict[str, Any]:
    """Saves what really differs, with the next version; answers the changed fields and their new values."""
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not changed:
        return {}
    for name, value in changed.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    row.save(update_fields=[*changed, "version", "updated_at"])
    return changed


def touch(row: Resource, *, now: datetime) -> None:
    """The next version of a row whose change lies in other tables."""
    row.version += 1
    row.updated_at = now
    row.save(update_fields=["version", "updated_at"])
