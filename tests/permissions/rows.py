"""The table of tests/permissions/table.txt, read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coordinator.lib.permissions import SignedIn
from tests.architecture.test_views import api_patterns

TABLE = Path(__file__).parent / "table.txt"
CALLERS = ("nothing", "bad", "expired", "narrow", "stranger", "owner", "viewer", "operator", "admin")
NO_SCOPE = "-"


@dataclass(frozen=True)
class Row:
    """One verb of one route, and the status that each caller gets."""

    verb: str
    address: str
    scope: str
    statuses: dict[str, int]

    @property
    def route(self) -> str:
        """The address as the URL conf has it, each name of it as `{}`."""
        return re.sub(r"{\w+}", "{}", self.address)


def read() -> list[Row]:
    """Every row of the table."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [_row(words) for words in lines[1:]]


def _row(words: list[str]) -> Row:
    verb, address, scope, nobody, *rest = words
    without, _, bad = nobody.partition("/")
    told = [without, bad or without, bad or without, *rest]
    return Row(verb, address, scope, {who: int(code) for who, code in zip(CALLERS, told, strict=True)})


def routes() -> dict[tuple[str, str], str | None]:
    """Each verb and route of the API's URL conf, with the scope that its view demands; None where it is open."""
    found: dict[tuple[str, str], str | None] = {}
    for address, view, actions in api_patterns():
        route = re.sub(r"<[^>]+>", "{}", address)
        for verb, action in (actions or {"get": "get"}).items():
            if verb != "head":
                found[verb.upper(), route] = _scope(view, action)
    return found


def _scope(view: Any, action: str) -> str | None:
    scope: str | None = getattr(view, "scopes", {}).get(action, getattr(view, "scope", None))
    if scope is None or scope == "" or SignedIn in view.permission_classes:
        return None
    return scope
