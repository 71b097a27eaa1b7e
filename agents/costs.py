"""What a report of use says, in token classes that do not overlap, and what it costs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from agents.prices import Price, price_of
from coordinator.lib.errors import Invalid

CLASSES = {
    "input_tokens": "Input that no cache served or kept.",
    "cache_read_tokens": "Input that a cache served.",
    "cache_write_tokens": "Input that was written to a cache.",
    "output_tokens": "Output, the reasoning included.",
    "reasoning_tokens": "The part of the output that was reasoning.",
}
ALSO_CALLED = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
"""The names that the vendors' APIs use for the same classes."""

CACHED = "cached_tokens"
"""Where input includes what a cache served (OpenAI, Google): that part, which is taken out of `input_tokens`."""

TEXTS = {"usage_id": "The same one counts once for an agent.", "model": "For instance claude-sonnet-5."}
COST, AT = "cost_usd", "timestamp"
LARGEST_COUNT = 10**12
LARGEST_COST = Decimal(1_000_000)
LONGEST = 200
MTOK = Decimal(1_000_000)
MICRO = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a model. `cost_usd` is what the reporter says it cost; None when it does not say."""

    usage_id: str | None = None
    model: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None
    at: datetime | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens


def read(given: Mapping[str, Any]) -> Use:
    """The use that a report tells. Raises Invalid naming each field that breaks a rule."""
    errors: dict[str, list[str]] = {}
    counts = _counts(given, errors)
    texts = {name: _text(given.get(name), name, errors) for name in TEXTS}
    cost, at = _cost(given.get(COST), errors), _moment(given.get(AT), errors)
    for name in given.keys() - {*CLASSES, *ALSO_CALLED, *TEXTS, CACHED, COST, AT}:
        errors[str(name)] = [f"There is no field {str(name)[:100]!r} in a usage."]
    if not errors and not any(counts.values()) and cost is None:
        errors["usage"] = ["Tell at least one count of tokens, or cost_usd."]
    if errors:
        raise Invalid(errors)
    return Use(usage_id=texts["usage_id"] or None, model=texts["model"], cost_usd=cost, at=at, **counts)


def computed(use: Use, *, at: datetime, cost_per_mtok: Decimal | None) -> Decimal | None:
    """What the use costs by the price table, else by the agent's own flat price, else None: unknown is not zero."""
    if not use.tokens:
        return None
    price = price_of(use.model, at.date())
    if price is not None:
        return by_price(use, price)
    return None if cost_per_mtok is None else (use.tokens * cost_per_mtok / MTOK).quantize(MICRO)


def by_price(use: Use, price: Price) -> Decimal:
    """The sum over the classes; reasoning is part of the output and not paid twice."""
    total = (
        use.input_tokens * price.input
        + use.cache_read_tokens * price.cache_read
        + use.cache_write_tokens * price.cache_write
        + use.output_tokens * price.output
    )
    return (total / MTOK).quantize(MICRO)


def _counts(given: Mapping[str, Any], errors: dict[str, list[str]]) -> dict[str, int]:
    counts = dict.fromkeys(CLASSES, 0)
    seen: set[str] = set()
    for name in given.keys() & {*CLASSES, *ALSO_CALLED, CACHED}:
        into = "cache_read_tokens" if name == CACHED else ALSO_CALLED.get(name, name)
        if into in seen:
            errors[name] = [f"{into} is told twice under different names."]
        seen.add(into)
        counts[into] = _count(given[name], name, errors)
    if CACHED in given:
        counts["input_tokens"] -= counts["cache_read_tokens"]
        if counts["input_tokens"] < 0:
            errors.setdefault(CACHED, ["This is the part of input_tokens that a cache served; it cannot be more."])
    if counts["reasoning_tokens"] > counts["output_tokens"]:
        errors["reasoning_tokens"] = ["Reasoning is part of output_tokens; it cannot be more."]
    return counts


def _count(value: Any, name: str, errors: dict[str, list[str]]) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        errors[name] = [f"This must be a whole number from 0 to {LARGEST_COUNT}."]
        return 0
    return value


def _text(value: Any, name: str, errors: dict[str, list[str]]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST:
        errors[name] = [f"This must be text of at most {LONGEST} characters."]
        return ""
    return value


def _cost(value: Any, errors: dict[str, list[str]]) -> Decimal | None:
    if value is None:
        return None
    try:
        cost = Decimal(str(value)) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except InvalidOperation:
        cost = None
    if cost is None or not cost.is_finite() or not 0 <= cost <= LARGEST_COST:
        errors[COST] = [f"This must be dollars from 0 to {LARGEST_COST}, as a number or a decimal text."]
        return None
    return abs(cost).quantize(MICRO)


def _moment(value: Any, errors: dict[str, list[str]]) -> datetime | None:
    if value is None:
        return None
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        errors[AT] = ["This must be an RFC 3339 time with a zone, such as 2026-11-24T12:00:00Z."]
        return None
    return at
