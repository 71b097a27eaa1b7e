"""What is wrong with the operand of an operator, or None; each check is told the attribute's kind. Pure."""

from typing import Any

import re2

from policies.conditions import schedules
from policies.conditions.attributes import is_number
from policies.conditions.values import LARGEST, amount, glob, moment, pattern

LONGEST_PATTERN = 1000
OF_TEXT = frozenset({"text", "time", "texts"})


def scalar(value: Any, kind: str) -> str | None:
    """Fits a kind: so that `force == "true"`, which could never hold, is refused."""
    if value is None or (isinstance(value, str) and kind in {"text", "any"}):
        return None
    if isinstance(value, str) and kind == "time":
        return time(value, kind)
    if isinstance(value, bool):
        return None if kind in {"flag", "any"} else f"this attribute is {_word(kind)}, not true or false"
    if is_number(value) and kind in {"number", "money", "any"}:
        return None if abs(value) <= LARGEST else "numbers beyond 2^53 are not exact"
    if isinstance(value, str) and kind == "money":
        return None if amount(value) is not None else 'this attribute is an amount, for instance "1.50"'
    return f"this attribute is {_word(kind)}" if not isinstance(value, (list, dict)) else "this takes one plain value"


def scalars(value: Any, kind: str) -> str | None:
    if not isinstance(value, list) or not value:
        return "this takes a list of at least one value"
    wrong = [text for each in value if (text := scalar(each, kind))]
    return wrong[0] if wrong else None


def bound(value: Any, kind: str) -> str | None:
    if kind == "money" and amount(value) is not None:
        return None
    if not is_number(value) or not abs(value) <= LARGEST:
        return "this takes a number"
    return None


def bounds(value: Any, kind: str) -> str | None:
    if not isinstance(value, list) or len(value) != 2 or any(bound(each, kind) for each in value):
        return "this takes [lowest, highest]"
    return None if amount(value[0]) <= amount(value[1]) else "the lowest comes first"


def text(value: Any, kind: str) -> str | None:
    return None if isinstance(value, str) and value else "this takes text"


def item(value: Any, kind: str) -> str | None:
    if kind in OF_TEXT:
        return None if isinstance(value, str) else "this takes text"
    return scalar(value, "any")


def items(value: Any, kind: str) -> str | None:
    if not isinstance(value, list) or not value:
        return "this takes a list of at least one value"
    return next((text for each in value if (text := item(each, kind))), None)


def truth(value: Any, kind: str) -> str | None:
    return None if isinstance(value, bool) else "this takes true or false"


def size(value: Any, kind: str) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    return None if whole else "this takes a whole number"


def size_above_none(value: Any, kind: str) -> str | None:
    """Nothing is smaller than 0."""
    return size(value, kind) or (None if value else "nothing is smaller than 0")


def time(value: Any, kind: str) -> str | None:
    return None if moment(value) else "this takes an RFC 3339 time with its zone"


def schedule(value: Any, kind: str) -> str | None:
    return schedules.mistake_of(value)


def folder(value: Any, kind: str) -> str | None:
    if not isinstance(value, str) or not value:
        return "this takes a path"
    return "a path here has no `..`" if ".." in value.split("/") else None


def regex(value: Any, kind: str) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        return f"this takes a pattern of at most {LONGEST_PATTERN} characters"
    return _compiles(value)


def shell_glob(value: Any, kind: str) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        return f"this takes a pattern of at most {LONGEST_PATTERN} characters"
    return _compiles(glob(value))


def _compiles(value: str) -> str | None:
    try:
        pattern(value)
    except (re2.error, UnicodeEncodeError) as wrong:
        said = wrong.args[0] if wrong.args else ""
        return f"not a pattern of RE2: {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return None


def _word(kind: str) -> str:
    words = {
        "flag": "true or false",
        "number": "a number",
        "money": "an amount",
        "list": "a list",
        "texts": "a list of text",
    }
    return words.get(kind, "text" if kind in {"text", "time"} else "an object")
