"""One text for each value, one value for each text; what has no exact text is refused."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from traceability import canonical

TEXTS = some.text(some.characters(exclude_categories=["Cs"]))
WHOLE = some.integers(-canonical.LARGEST_INTEGER, canonical.LARGEST_INTEGER)
FLOATS = some.floats(allow_nan=False, allow_infinity=False)
KEYS = TEXTS | some.sampled_from(["$float", "$", "$$float", "$$$", "key"])
VALUES = some.recursive(
    some.none() | some.booleans() | WHOLE | FLOATS | TEXTS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def shuffled(value: Any) -> Any:
    """The same value with every object's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES)
def test_reading_gives_the_value_back_and_writing_the_text(value: Any) -> None:
    text = canonical.write(value)
    assert canonical.read(text) == value
    assert canonical.write(canonical.read(text)) == text


@given(VALUES)
def test_the_text_is_that_of_the_standard_library(value: Any) -> None:
    text = canonical.write(value)
    again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    assert again == text


@given(some.datetimes(timezones=some.timezones()))
def test_a_moment_is_utc_with_microseconds(at: datetime) -> None:
    assume(1 < at.year < 9999)
    text = canonical.moment(at)
    assert text == f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    assert len(text) == len("2026-11-24T12:00:00.000000Z")


@given(VALUES)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert canonical.write(shuffled(value)) == canonical.write(value)


@given(FLOATS)
def test_a_float_comes_back_to_the_last_bit_and_never_stands_bare(value: float) -> None:
    text = canonical.write([value])
    back = canonical.read(text)[0]
    assert math.copysign(1, back) == math.copysign(1, value)
    assert (back, type(back)) == (value, float)
    assert text == f'[{{"$float":"{value!r}"}}]'


@given(some.dictionaries(KEYS, VALUES, max_size=3))
def test_nobodys_object_is_taken_for_a_float(value: dict[str, Any]) -> None:
    assert canonical.read(canonical.write({"outputs": value}))["outputs"] == value


@pytest.mark.parametrize("spoof", [{"$float": "1.5"}, {"$float": "no number"}, {"$float": None}, {"$$float": "1"}])
def test_an_object_that_looks_like_our_float_stays_an_object(spoof: dict[str, Any]) -> None:
    assert canonical.read(canonical.write(spoof)) == spoof


@given(some.sets(WHOLE | TEXTS.map(str), max_size=1) | some.sets(WHOLE) | some.frozensets(TEXTS))
def test_a_set_has_one_order(value: Any) -> None:
    assert canonical.read(canonical.write(value)) == sorted(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"deep": [math.nan]}])
def test_nan_and_infinity_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="NaN"):
        canonical.write(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**64, {"a": [10**30]}])
def test_whole_numbers_beyond_exactness_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="2\\^53"):
        canonical.write(value)
    assert canonical.read(canonical.write(2**53 - 1)) == 2**53 - 1


@given(some.characters(categories=["Cs"]))
def test_a_lone_surrogate_is_refused(character: str) -> None:
    for value in (character, {character: 1}, ["a" + character]):
        with pytest.raises(ValueError, match="surrogates"):
            canonical.write(value)


@pytest.mark.parametrize("value", [b"bytes", object(), 1j])
def test_what_the_ledger_does_not_know_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot keep"):
        canonical.write({"value": value})


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (Decimal("1.50"), '"1.50"'),
        (Decimal("1E+3"), '"1000"'),
        (datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2))), '"2026-06-01T10:00:00.000000Z"'),
        (datetime(2026, 6, 1, 12, 0, 0, 7, tzinfo=UTC), '"2026-06-01T12:00:00.000007Z"'),
        (date(2026, 6, 1), '"2026-06-01"'),
        (UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (Colour.RED, '"red"'),
        ({"b": 1, "a": (1, 2)}, '{"a":[1,2],"b":1}'),
        ("ü\n\u2028", '"ü\\n\u2028"'),
    ],
)
def test_each_kind_of_value_has_its_text(value: Any, text: str) -> None:
    assert canonical.write(value) == text


def test_a_text_that_only_looks_canonical_is_refused() -> None:
    with pytest.raises(ValueError, match="kept as text"):
        canonical.read('{"$float":null}')
