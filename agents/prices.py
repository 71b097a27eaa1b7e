"""List prices of models, in USD per million tokens by token class; each row of `prices.json` is dated and sourced."""

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("prices.json")
VENDOR = re.compile(r"^(?:[a-z]{2,}\.)?(?:anthropic|openai|google|azure|vertex_ai|bedrock|models)[./]", re.IGNORECASE)
RELEASE = re.compile(r"(?:[-@]20\d{6}|-20\d\d-\d\d-\d\d|-latest)?(?:-v\d+(?::\d+)?)?(?:\[1m\])?$")
"""What a model's name may carry beyond the model: `-20250929`, `-2025-08-07`, `@20250929`, `-v1:0`, `[1m]`."""


@dataclass(frozen=True)
class Price:
    """USD per million tokens of each class, since a day; read from `source` on the day `as_of`."""

    model: str
    since: date
    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal
    source: str
    as_of: date


def price_of(model: str, on: date) -> Price | None:
    """The price of a model on a day: the row that held then, else the earliest; None for a model not in the table."""
    rows = table().get(plain_name(model), ())
    held = [row for row in rows if row.since <= on]
    return held[-1] if held else next(iter(rows), None)


def plain_name(model: str) -> str:
    """`us.anthropic.claude-sonnet-4-5-20250929-v1:0` is `claude-sonnet-4-5`."""
    name = model.strip().lower()
    while VENDOR.match(name):
        name = VENDOR.sub("", name)
    return RELEASE.sub("", name)


@cache
def table() -> dict[str, tuple[Price, ...]]:
    """Every row by the model's plain name, the oldest first."""
    stored = json.loads(TABLE.read_text(), parse_float=Decimal, parse_int=Decimal)
    found: dict[str, tuple[Price, ...]] = {}
    for group in stored["lists"]:
        for row in group["prices"]:
            for name in row["models"]:
                found[name] = (*found.get(name, ()), _price(name, row, group))
    return {name: tuple(sorted(rows, key=lambda row: row.since)) for name, rows in found.items()}


def _price(name: str, row: dict[str, Any], group: dict[str, Any]) -> Price:
    """One row; a class without a price of its own costs what plain input costs."""
    return Price(
        model=name,
        since=date.fromisoformat(row.get("since", group["since"])),
        input=row["input"],
        cache_read=row.get("cache_read", row["input"]),
        cache_write=row.get("cache_write", row["input"]),
        output=row["output"],
        source=group["source"],
        as_of=date.fromisoformat(group["as_of"]),
    )
