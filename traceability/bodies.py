"""The texts of an entry that may have to be erased one day: they stand beside the chain, which holds their digests.

An event names them by dotted paths into its data. In the canonical text each stands as `{"$erasable": digest}`; the
body is JSON, `{path: {"salt": hex, "value": value}}`. The salt keeps a short text from being guessed from its digest
once it is gone. A path that ends in `.*` stands for each value of the object there, so that one can go and the others
stay.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from traceability import canonical
from traceability.canonical import Sealed

ERASED = "[erased]"
"""What an erased text reads as."""

MOST_APART = 50
"""Values of one object that each stand for themselves."""


def parted(data: Mapping[str, Any], paths: Iterable[str]) -> tuple[Mapping[str, Any], str | None]:
    """The data with its erasable values sealed, and the body that holds them; None when there are none."""
    held: dict[str, Any] = {}
    for path in (each for named in paths for each in _spread(data, named)):
        value = _at(data, path)
        if value not in (None, "", [], {}):
            salt = os.urandom(16).hex()
            held[path] = {"salt": salt, "value": value}
            data = _with(data, path.split("."), Sealed(digest(salt, value)))
    return data, canonical.write(held) if held else None


def digest(salt: str, value: Any) -> str:
    """SHA-256 over the salt, 0x1F and the value's canonical text, as hex."""
    return hashlib.sha256(f"{salt}\x1f{canonical.write(value)}".encode()).hexdigest()


def read(text: str, body: str | None) -> dict[str, Any]:
    """The value of an entry's canonical text with its body filled in. Raises ValueError for what is no such text."""
    found: dict[str, Any] = canonical.read(text)
    if '{"$erasable":' in text:
        held = canonical.read(body) if body else {}
        found["data"] = _filled(found["data"], held, "")
    return found


def sealed(data: Any, path: str = "") -> Iterable[tuple[str, str]]:
    """Each erasable path of read data, not filled in, with its digest."""
    if isinstance(data, Sealed):
        yield path, data.digest
    elif isinstance(data, dict):
        for name, inner in data.items():
            yield from sealed(inner, f"{path}.{name}" if path else name)


def held(body: str | None) -> dict[str, Any]:
    """What a body holds: path to `{"salt", "value"}`. Raises ValueError for what is no body."""
    found = json.loads(body, object_hook=canonical.back) if body else {}
    if not isinstance(found, dict):
        raise ValueError("a body is an object")
    return found


def _spread(data: Any, path: str) -> list[str]:
    """The paths that a declared one stands for. An object of many values, or of odd names, goes as a whole."""
    whole, star, _ = path.partition(".*")
    inner = _at(data, whole) if star else None
    if not isinstance(inner, Mapping) or len(inner) > MOST_APART or any("." in name or "$" in name for name in inner):
        return [whole]
    return [f"{whole}.{name}" for name in inner]


def _filled(data: Any, held: Mapping[str, Any], path: str) -> Any:
    if isinstance(data, Sealed):
        return held[path]["value"] if path in held else ERASED
    if isinstance(data, dict):
        return {name: _filled(inner, held, f"{path}.{name}" if path else name) for name, inner in data.items()}
    return data


def _at(data: Any, path: str) -> Any:
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _with(data: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    name, *rest = path
    return {**data, name: _with(data[name], rest, value) if rest else value}
