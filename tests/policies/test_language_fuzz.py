"""Whatever is saved can hold: of any test that the language takes, there is an action that passes it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import drafts
from policies.conditions import Registry, Unreadable, read
from policies.conditions.attributes import KINDS
from policies.conditions.operators import OPERATORS
from policies.conditions.tree import MISSING, OF_ITEMS, Leaf
from tests.policies.test_conditions_hold_for_any_json import ALMOST, JSON

OWN = {"own_work": {f"a_{kind}": kind for kind in KINDS if kind != "group"}}
REGISTRY = Registry(OWN)
NAMES = [*OWN["own_work"], "branch", "files", "context.at", "context.actor_kind", "mission.cost_usd", "cost.agent_1h"]
OPERANDS: list[Any] = [
    None, True, False, -5, 0, 1, 5, 0.5, "a", "", "1.5", "main", "src/a", "*", "a?", "[ab]", "2026-01-01T00:00:00Z",
    "agent", [], ["a", "b"], [1, 2], ["1.5"], [True], [None], ["a", 1], [2, 1], ["person", "agent"],
    {"tz": "Asia/Tokyo", "days": ["mon"], "from": "09:00"}, {"tz": "Nowhere", "days": ["mon"]},
    {"eq": "a"}, {"gt": 1}, {"startswith": "a", "endswith": "b"}, {"in": ["a"], "ne": "a"},
]  # fmt: skip
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def taken(raw: Any) -> Any:
    """The tree, or the mistakes."""
    try:
        return read(raw, REGISTRY)[0]
    except Unreadable as refused:
        return refused.mistakes


def around(operand: Any) -> Iterator[Any]:
    """Values that a test with this operand may like."""
    listed = operand if isinstance(operand, list) else [operand]
    yield from (MISSING, "", [], {}, "aaaaaaaa", list("aaaaaaaa"), 0, -1e9, 1e9, False, None)
    listed += list(operand.values()) if isinstance(operand, dict) else []
    yield from ("a", [None], ["aaaaaaaab", "ab"])
    yield [5]
    for each in (*listed, operand):
        yield from (each, [each])
        if isinstance(each, str):
            yield from (each.replace("*", "").replace("?", "x"), each + "x", f"{each}/x")
    yield "".join(str(each) for each in listed)
    yield "1999-01-01T00:00:00Z"
    yield from ((MONDAY + timedelta(hours=hour)).isoformat() for hour in range(24 * 7))


@pytest.mark.parametrize("op", [*OPERATORS, *OF_ITEMS])
@pytest.mark.parametrize("name", NAMES)
def test_of_any_single_test_that_is_taken_some_value_passes(name: str, op: str) -> None:
    for operand in OPERANDS:
        tree = taken({name: {op: operand}})
        if isinstance(tree, Leaf):
            assert any(tree.of(value) is True for value in around(operand)), (operand, tree.kind)
        else:
            assert all(isinstance(text, str) and text for text in tree.values())


TESTS = st.dictionaries(st.sampled_from(sorted(OPERATORS)), st.sampled_from(OPERANDS), min_size=1, max_size=3)
LINES = st.dictionaries(
    st.sampled_from(["custom.a", "branch", "files", "commits", "context.at", "action_type", "nosuch", "all", "not"]),
    TESTS | st.sampled_from(OPERANDS) | st.lists(TESTS, max_size=2),
    min_size=1,
    max_size=3,
)


@given(LINES | ALMOST | JSON, ALMOST | JSON, ALMOST | JSON | st.lists(st.text(max_size=9), max_size=2))
@settings(max_examples=500, deadline=None)
def test_any_draft_is_taken_or_told_its_mistakes_and_nothing_else_is_raised(
    conditions: Any, scope: Any, require: Any
) -> None:
    content = {
        "conditions": conditions,
        "actions": [{"block": "no"}],
        "scope": scope,
        "require": require,
        "priority": 0,
        "valid_from": None,
        "valid_until": None,
    }
    found = drafts.mistakes_of(content, REGISTRY)
    assert all(texts and all(isinstance(text, str) for text in texts) for texts in found.values())
    tree = taken(conditions)
    assert ("conditions" in found) is isinstance(tree, dict) or found["conditions"] == [
        "Text must not contain the NUL character."
    ]
