"""What a record never keeps: values under names that say secret, and what looks like a secret in texts. Pure."""

import re
from collections.abc import Mapping
from typing import Any

SECRET_NAME = re.compile(
    r"(?i)passw(or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie|credential|private[_-]?key"
)
SECRET_VALUE = re.compile(
    r"(?<![A-Za-z0-9])(sk-[\w-]{16,}|sk_(live|test)_\w+|xox[abpors]-\S{10,}|gh[pousr]_\w{16,}|github_pat_\w+"
    r"|glpat-\S{12,}|coord_\w{8,}|cos_[\w-]{20,}|hf_\w{20,}|npm_\w{20,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{20,})"
    r"|[Bb]earer\s+[^\s\"',;]{8,}|-----BEGIN |eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*",
)
KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
BASIC = re.compile(r"(?<=asic )[A-Za-z0-9+/]{8,}={0,2}|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
ASSIGNED = re.compile(
    r"(?i)(?P<name>[\w-]*(passw(or)?d|passphrase|secret|token|api[_-]?key)[\w-]*=)(?!\d+\b)(?P<value>\"[^\"]*\"|'[^']*'|[^\s&;\"']+)"
)
MASKED = {"masked": True}
STARS = "[masked]"


def masked(value: Any) -> Any:
    """The same value with every secret replaced. Numbers are no secrets: `tokens: 900` is a count."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {name: MASKED if _hidden(str(name), inner) else masked(inner) for name, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def without_secrets(text: str) -> str:
    """The text with `[masked]` in the place of keys, tokens and passwords that it holds."""
    for shape in (KEY_BLOCK, SECRET_VALUE, BASIC):
        text = shape.sub(STARS, text)
    return ASSIGNED.sub(rf"\g<name>{STARS}", text)


def hides(value: Any) -> bool:
    """Whether a recorded value stands for a secret or holds the place of one, so that it cannot be judged again."""
    return STARS in value if isinstance(value, str) else bool(value == MASKED)


def is_secret(name: str) -> bool:
    """Whether a name, or a path of names, says that its value is secret."""
    return SECRET_NAME.search(name) is not None


def _hidden(name: str, value: Any) -> bool:
    return is_secret(name) and _holds_text(value)


def _holds_text(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_text(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_text(inner) for inner in value)
    return isinstance(value, str) and bool(value)
