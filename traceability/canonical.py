"""The canonical text of an entry: what the chain's hash covers, byte for byte.

Sorted keys, no spaces, no floats. A float that a client sent (in a task's outputs, say) is kept exactly as
`{"$float": "0.93"}`, so that the text has one form for each value and reading gives the value back. A key of the
client's own that starts with `$` gets a second one, so that nobody's object is taken for a float. A value that stands
beside the chain is `{"$erasable": digest}`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

LARGEST_INTEGER = 2**53 - 1
FLOAT = "$float"
ERASABLE = "$erasable"


@dataclass(frozen=True)
class Sealed:
    """A value that stands beside the chain, in the entry's body: its digest."""

    digest: str


def write(value: Any) -> str:
    """The canonical text. Raises ValueError for what has none: NaN, integers beyond 2^53, lone surrogates."""
    try:
        return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as problem:  # orjson's word for a lone surrogate, and for what is nested beyond 254
        raise ValueError(str(problem)) from problem


def read(text: str) -> Any:
    """The value of a canonical text. Raises ValueError for what is none."""
    return json.loads(text, object_hook=back) if '"$' in text else json.loads(text)


def moment(at: datetime) -> str:
    """UTC with microseconds: `2026-11-24T12:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def back(found: dict[str, Any]) -> Any:
    """The value that an object of canonical text stands for."""
    if set(found) == {FLOAT}:
        if not isinstance(found[FLOAT], str):
            raise ValueError("a float of the ledger is kept as text")
        return float(found[FLOAT])
    if set(found) == {ERASABLE}:
        return Sealed(str(found[ERASABLE]))
    return {key.removeprefix("$"): inner for key, inner in found.items()}


def _key(key: Any) -> str:
    text = str(key)
    return f"${text}" if text.startswith("$") else text


def _plain(value: Any) -> Any:
    """What JSON has words for. The types that nearly every value has come first: this runs for every entry."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        return {
            key if type(key) is str and key[:1] != "$" else _key(key): _plain(inner) for key, inner in value.items()
        }
    if kind is list:
        return [_plain(inner) for inner in value]
    if kind is int and abs(value) <= LARGEST_INTEGER:
        return value
    return _plain_of_another_type(value)


def _plain_of_another_type(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sealed):
        return {ERASABLE: value.digest}
    if isinstance(value, Mapping):
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValueError("whole numbers of the ledger are within 2^53")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("the ledger keeps no NaN or infinity")
        return {FLOAT: repr(value)}
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise ValueError(f"the ledger cannot keep a {type(value).__name__}")
