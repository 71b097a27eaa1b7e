"""Fitting what there is to say into a number of tokens."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from missions.packing import TOKENS_PER_BYTE, Section, cut, pack, tokens_of

items = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=200), max_size=4), max_size=12)
sections = st.lists(st.tuples(items, st.floats(0.05, 1)), max_size=8)


def size(value: Any) -> float:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) * TOKENS_PER_BYTE


@given(sections, st.integers(500, 5000))
def test_what_is_packed_fits_and_what_is_left_out_is_counted(given_sections: Any, tokens: int) -> None:
    made = [Section(f"part {place}", rows, share) for place, (rows, share) in enumerate(given_sections)]
    packed = pack(made, tokens)
    assert size(packed) <= tokens
    assert packed["tokens"] <= tokens
    kept = {each["section"]: len(each["items"]) for each in packed["sections"]}
    left = {each["section"]: each["items"] for each in packed["left_out"]}
    for section in made:
        assert kept.get(section.name, 0) + left.get(section.name, 0) == len(section.items)


@given(sections)
def test_nothing_is_left_out_when_there_is_room(given_sections: Any) -> None:
    made = [Section(f"part {place}", rows, share) for place, (rows, share) in enumerate(given_sections)]
    assert pack(made, 10**7)["left_out"] == []


def test_the_order_of_a_section_stays_when_one_item_is_too_long() -> None:
    rows = ["first", "x" * 5000, "last"]
    packed = pack([Section("part", rows, 1.0)], 500)
    assert packed["sections"] == [{"section": "part", "items": ["first", "last"]}]
    assert packed["left_out"] == [{"section": "part", "items": 1, "tokens": tokens_of([rows[1]])}]


def test_no_section_takes_all_before_the_others_had_some() -> None:
    greedy = Section("greedy", ["x" * 100] * 50, 0.5)
    modest = Section("modest", ["y" * 100] * 5, 0.5)
    packed = pack([greedy, modest], 800)
    assert [each["section"] for each in packed["sections"]] == ["greedy", "modest"]
    assert len(packed["sections"][1]["items"]) == 5


@given(st.text(max_size=400), st.integers(4, 200))
def test_a_text_that_is_cut_fits_and_says_so(text: str, tokens: int) -> None:
    found = cut(text, tokens)
    assert found == text or found.endswith("…")
    assert len(json.dumps(found, ensure_ascii=False).encode()) <= max(tokens / TOKENS_PER_BYTE, 8)
