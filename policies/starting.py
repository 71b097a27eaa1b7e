"""Policies to begin with: they come with the product as files, and are off until somebody wants them."""

from functools import cache
from pathlib import Path
from typing import Any

from policies import files
from policies.files import PolicyFile

STARTERS = Path(__file__).resolve().parent / "starters"


def told() -> list[dict[str, str]]:
    """Each starter's key and what it is for."""
    return [{"key": each.key, "description": str(each.fields["description"])} for each in _starters()]


def content_of(key: str) -> dict[str, Any]:
    """What the starter says, its key included; nothing when there is none of this key."""
    return next(({files.KEY: each.key, **each.fields} for each in _starters() if each.key == key), {})


@cache
def _starters() -> tuple[PolicyFile, ...]:
    return tuple(files.read_all([STARTERS]))
