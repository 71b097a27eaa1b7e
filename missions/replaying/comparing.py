"""Where two states of a mission part. Pure."""

from collections.abc import Iterator
from typing import Any

Parting = tuple[str, Any, Any]


def differing(one: Any, other: Any, path: str = "") -> Iterator[Parting]:
    """Path, value in the one and value in the other, leaf by leaf; outputs are compared as a whole."""
    if isinstance(one, dict) and isinstance(other, dict) and not path.endswith(".outputs"):
        for name in sorted({*one, *other}):
            yield from differing(one.get(name), other.get(name), f"{path}.{name}".lstrip("."))
    elif one != other:
        yield path, one, other
