"""What a use costs: by the dated table, by the agent's own price, or unknown; token classes never overlap."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents import costs, prices
from agents.costs import Use, read
from coordinator.lib.errors import Invalid

TODAY = date(2026, 11, 24)
COUNTS = st.integers(0, 10**9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [*costs.CLASSES, *costs.ALSO_CALLED, costs.CACHED, "cost_usd", "model", "usage_id", "timestamp"]
)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic/claude-opus-5", "claude-opus-5"),
        ("claude-opus-4-8[1m]", "claude-opus-4-8"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("openai/gpt-5.6-terra", "gpt-5.6-terra"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("GPT-4o", "gpt-4o"),
    ],
)
def test_a_models_name_is_read_without_vendor_and_release(name: str, plain: str) -> None:
    assert prices.plain_name(name) == plain
    assert prices.price_of(name, TODAY) is not None


def test_every_price_is_dated_sourced_and_orders_its_classes() -> None:
    for rows in prices.table().values():
        for row in rows:
            assert row.source.startswith("https://")
            assert row.since <= row.as_of <= TODAY
            assert Decimal(0) < row.cache_read <= row.input <= row.output
            assert row.input <= row.cache_write


@pytest.mark.parametrize("name", ["", "gpt-5-turbo-ultra", "llama-3", "claude", "claude-sonnet-5-pro"])
def test_a_model_that_is_not_in_the_table_has_no_price(name: str) -> None:
    assert prices.price_of(name, TODAY) is None


def test_the_price_of_a_day_is_the_row_that_held_then(monkeypatch: pytest.MonkeyPatch) -> None:
    row = prices.price_of("gpt-5", TODAY)
    assert row is not None
    later = prices.Price(
        **{**vars(row), "since": date(2026, 6, 1), "input": Decimal(9)},
    )
    monkeypatch.setattr(prices, "table", lambda: {"gpt-5": (row, later)})
    for on, wanted in ((date(2020, 1, 1), row), (date(2026, 5, 31), row), (date(2026, 6, 1), later)):
        assert prices.price_of("gpt-5", on) == wanted


def test_a_measured_bill_comes_out_to_the_micro_dollar() -> None:
    """What Claude Code 2.1.330 said of one request of claude-sonnet-5."""
    use = Use(
        model="claude-sonnet-5", input_tokens=1000, output_tokens=50, cache_read_tokens=200, cache_write_tokens=100
    )
    assert costs.computed(use, at=timezone.now(), cost_per_mtok=None) == Decimal("0.002790")


def test_the_agents_own_price_counts_where_no_price_is_known() -> None:
    use = Use(model="house-model", input_tokens=400_000, cache_read_tokens=100_000, output_tokens=500_000)
    now = timezone.now()
    assert costs.computed(use, at=now, cost_per_mtok=Decimal("3.5")) == Decimal("3.5")
    assert costs.computed(use, at=now, cost_per_mtok=None) is None
    assert costs.computed(Use(model="gpt-5", cost_usd=Decimal(1)), at=now, cost_per_mtok=Decimal(1)) is None


def test_reasoning_is_part_of_the_output_and_not_paid_twice() -> None:
    now = timezone.now()
    plain, thought = (Use(model="gpt-5", output_tokens=1000, reasoning_tokens=count) for count in (0, 900))
    assert costs.computed(plain, at=now, cost_per_mtok=None) == costs.computed(thought, at=now, cost_per_mtok=None)
    assert plain.tokens == thought.tokens == 1000


def test_the_vendors_own_names_are_read() -> None:
    claude = read({"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30})
    assert (claude.input_tokens, claude.cache_read_tokens, claude.cache_write_tokens) == (10, 20, 30)
    openai = read({"prompt_tokens": 100, "cached_tokens": 40, "completion_tokens": 7, "reasoning_output_tokens": 3})
    assert (openai.input_tokens, openai.cache_read_tokens, openai.output_tokens, openai.tokens) == (60, 40, 7, 107)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({}, "usage"),
        ({"input_tokens": 0}, "usage"),
        ({"input_tokens": -1}, "input_tokens"),
        ({"input_tokens": 1.5}, "input_tokens"),
        ({"input_tokens": "1"}, "input_tokens"),
        ({"input_tokens": True}, "input_tokens"),
        ({"input_tokens": 10**13}, "input_tokens"),
        ({"input_tokens": 1, "prompt_tokens": 1}, "prompt_tokens"),
        ({"input_tokens": 1, "cached_tokens": 2}, "cached_tokens"),
        ({"output_tokens": 1, "reasoning_tokens": 2}, "reasoning_tokens"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"cost_usd": "NaN"}, "cost_usd"),
        ({"cost_usd": "many"}, "cost_usd"),
        ({"cost_usd": True}, "cost_usd"),
        ({"cost_usd": 10**7}, "cost_usd"),
        ({"cost_usd": 1, "model": 5}, "model"),
        ({"cost_usd": 1, "usage_id": "x" * 201}, "usage_id"),
        ({"cost_usd": 1, "timestamp": "2026-11-24T12:00:00"}, "timestamp"),
        ({"cost_usd": 1, "total_tokens": 5}, "total_tokens"),
    ],
)
def test_a_use_that_breaks_a_rule_is_refused_by_name(given_: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(given_)
    told = {name for name in refused.value.errors if name in {field, "input_tokens", "prompt_tokens"}}
    assert told


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_classes_add_up_to_what_was_told(plain: int, cached: int, written: int, output: int) -> None:
    use = read(
        {"input_tokens": plain + cached, "cached_tokens": cached, "cache_write_tokens": written,
         "output_tokens": output, "cost_usd": 0}
    )  # fmt: skip
    assert use.tokens == plain + cached + written + output
    assert min(use.input_tokens, use.cache_read_tokens, use.cache_write_tokens, use.output_tokens) >= 0


@given(st.dictionaries(FIELDS | st.text(max_size=10), JSON, max_size=6))
def test_reading_anything_gives_a_use_or_says_which_field_is_wrong(data: dict[str, Any]) -> None:
    try:
        found: Use | dict[str, list[str]] = read(data)
    except Invalid as refused:
        found = refused.errors
    assert isinstance(found, Use) or (found and all(found.values()))
