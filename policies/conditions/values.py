"""How plain JSON values compare: exact, without coercion, never raising. Pure."""

import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import re2

from policies.conditions.attributes import is_number

LARGEST = 2**53 - 1
LONGEST_NUMBER = 40


def same(left: Any, right: Any) -> bool:
    """Equality of scalars: a bool is never a number, 1 is 1.0, null equals only null."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    return type(left) is type(right) and not isinstance(left, (list, dict)) and bool(left == right)


def amount(value: Any) -> Any:
    """A number or decimal text as an exact number; None for anything else."""
    if isinstance(value, str):
        try:
            found = Decimal(value) if len(value) <= LONGEST_NUMBER else None
        except InvalidOperation:
            return None
        return found if found is not None and found.is_finite() else None
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    return value if is_number(value) else None


def moment(value: Any) -> datetime | None:
    """An RFC 3339 time with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= LONGEST_NUMBER else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def plain_path(path: str) -> tuple[bool, tuple[str, ...]] | None:
    """Whether it is absolute, and its parts without `.` and `..`; None when it climbs out of where it starts."""
    rooted, parts = path.startswith("/"), list[str]()
    for part in path.split("/"):
        if part == ".." and not parts and not rooted:
            return None
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return rooted, tuple(parts)


def pattern(text: str) -> Any:
    """A compiled RE2 pattern, which takes linear time. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(text, options)


def glob(text: str) -> str:
    """`*` any text, `?` one character, `[abc]` and `[!abc]` one of some, as an RE2 pattern."""
    found = []
    for piece in re.findall(r"\*+|\?|\[!?[^\]]+\]|.", text, re.DOTALL):
        if piece.startswith("*"):
            found.append(".*")
        elif piece == "?":
            found.append(".")
        elif len(piece) > 2:
            inner = piece[1:-1]
            not_one = inner.startswith("!")
            listed = (inner[1:] if not_one else inner).replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
            found.append(f"[{'^' if not_one else ''}{listed}]")
        else:
            found.append(re2.escape(piece))
    return f"(?s)\\A{''.join(found)}\\z"
