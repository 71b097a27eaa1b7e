"""Which action types conditions can hold for, and what in them can never hold. Pure."""

from collections.abc import Mapping
from typing import Any

from policies.conditions.attributes import FREE, TYPE, Registry
from policies.conditions.tree import OF_ITEMS, Leaf
from policies.conditions.values import amount

Types = frozenset[str] | None

LOW = {"gt": False, "gte": True}
HIGH = {"lt": False, "lte": True}
"""The bound of an operator, and whether the bound itself is inside."""


def narrowed(raw: Mapping[str, Any], types: Types) -> Types:
    """The action types left by the lines of one object, `all` included."""
    for name, value in raw.items():
        if name == TYPE and (named := named_types(value)) is not None:
            types = named if types is None else types & named
        elif name == "all" and isinstance(value, list):
            for each in value:
                types = narrowed(each, types) if isinstance(each, dict) and each is not raw else types
    return types


def named_types(value: Any) -> Types:
    """The action types that a test of `action_type` lets through; None when it does not say."""
    if isinstance(value, str):
        return frozenset({value})
    if not isinstance(value, dict):
        return None
    listed = value.get("in")
    found = frozenset(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else None
    if isinstance(value.get("eq"), str):
        return frozenset({value["eq"]}) if found is None else found & {value["eq"]}
    return found


def never_text(leaf: Leaf) -> bool:
    """Whether a test is passed by no text that is there."""
    listed = leaf.operand if leaf.op == "in" else [leaf.operand]
    if leaf.op in {"eq", "in"}:
        return not any(isinstance(each, str) for each in listed)
    return leaf.op == "exists" and leaf.operand is False


def no_type(leaf: Leaf, registry: Registry) -> bool:
    """Whether a test of the action's type lets no type through, own ones included."""
    if leaf.op == "startswith":
        own = f"{FREE}.".startswith(leaf.operand[: len(FREE) + 1])
        return not own and not any(each.startswith(leaf.operand) for each in registry.types)
    return never_text(leaf) or (leaf.op == "empty" and leaf.operand is True)


def contradicted(leaves: list[Leaf]) -> bool:
    """Whether the tests of one path can never hold together; only what is certain is told."""
    if len(leaves) < 2:
        return False
    plain = [leaf for leaf in leaves if leaf.op not in OF_ITEMS]
    candidates = [leaf.operand if leaf.op == "in" else [leaf.operand] for leaf in plain if leaf.op in {"eq", "in"}]
    if candidates:
        return not any(all(leaf.test(each) is True for leaf in plain) for each in candidates[0])
    absent = any(leaf.op == "exists" and leaf.operand is False for leaf in plain)
    return (absent and any(not leaf.when_missing for leaf in leaves)) or _empty_range(plain)


def _empty_range(leaves: list[Leaf]) -> bool:
    lows = [(amount(leaf.operand), LOW[leaf.op]) for leaf in leaves if leaf.op in LOW]
    highs = [(amount(leaf.operand), HIGH[leaf.op]) for leaf in leaves if leaf.op in HIGH]
    for leaf in leaves:
        if leaf.op == "between":
            lows.append((amount(leaf.operand[0]), True))
            highs.append((amount(leaf.operand[1]), True))
    return any(
        low > high or (low == high and not (low_in and high_in)) for low, low_in in lows for high, high_in in highs
    )


def levels(raw: Any) -> int:
    """How deep lists and objects are nested, without recursion."""
    depth, layer = 0, [raw]
    while layer := [each for each in layer if isinstance(each, (dict, list))]:
        depth += 1
        layer = [inner for each in layer for inner in (each.values() if isinstance(each, dict) else each)]
    return depth
