"""How an amount of dollars is written. Pure."""

from typing import Any


def plain_money(value: Any) -> str:
    """`Decimal("1.500000")` as `"1.50"`: at least two places, no trailing zeros beyond."""
    text = f"{value:.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"
