"""What a log never keeps: values under names that say they are secret. Pure."""

import re
from collections.abc import Mapping
from typing import Any

SECRET = re.compile(
    r"(?i)passw(or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie|credential|private[_-]?key"
)
MASKED = {"masked": True}


def masked(value: Any) -> Any:
    """The same value with every secret replaced. Numbers are no secrets: `tokens: 900` is a count."""
    if isinstance(value, Mapping):
        return {name: MASKED if _hidden(str(name), inner) else masked(inner) for name, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def hides(value: Any) -> bool:
    """Whether a logged value stands for a secret, so that it cannot be judged again."""
    return bool(value == MASKED)


def is_secret(name: str) -> bool:
    """Whether a name, or a path of names, says that its value is secret."""
    return SECRET.search(name) is not None


def _hidden(name: str, value: Any) -> bool:
    return value is not None and not isinstance(value, (bool, int, float)) and is_secret(name)
