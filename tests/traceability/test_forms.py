"""Every form carries every word there and back, and reads any text or refuses it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.traceability.conftest import AT
from traceability.formats import FORMS
from traceability.formats.rows import COLUMNS, TEXTS, Row

KEYS = some.from_regex(r"[A-Za-z][A-Za-z0-9._:-]{0,8}", fullmatch=True)
WORDS = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
XML_WORDS = some.text(some.characters(categories=["L", "N", "P", "S", "Z"], include_characters="\n\r\t"), max_size=30)


@some.composite
def trees(draw: Any, words: Any) -> list[Row]:
    """Rows in the order of a tree: a requirement alone, an objective, its key result and that one's requirement."""
    keys = draw(some.lists(KEYS, min_size=4, max_size=4, unique=True))
    order = [("requirement", ""), ("objective", ""), ("key_result", keys[1]), ("requirement", keys[2])]
    return [_row(draw, words, kind, key, parent) for (kind, parent), key in zip(order, keys, strict=True)]


def _row(draw: Any, words: Any, kind: str, key: str, parent: str) -> Row:
    values = {name: draw(words) for name in COLUMNS[kind] if name in {"description", "owner", "unit"}}
    values |= {name: draw(words.filter(bool)) for name in COLUMNS[kind] if name not in TEXTS}
    return Row(kind, key, {"parent": parent, **values} if "parent" in COLUMNS[kind] else values)


def told(rows: list[Row]) -> list[Any]:
    return [(row.type, row.key, row.values) for row in rows]


@pytest.mark.parametrize("form", ["json", "csv", "md"])
@given(rows=trees(WORDS))
def test_any_words_survive_every_form(form: str, rows: list[Row]) -> None:
    back, faults = FORMS[form].read(FORMS[form].write(rows, AT))
    assert (told(back), faults) == (told(rows), [])


@given(rows=trees(XML_WORDS))
def test_any_words_that_xml_can_hold_survive_reqif(rows: list[Row]) -> None:
    back, faults = FORMS["reqif"].read(FORMS["reqif"].write(rows, AT))
    assert (told(back), faults) == (told(rows), [])


@pytest.mark.parametrize("form", FORMS)
@given(text=some.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(form: str, text: str) -> None:
    try:
        FORMS[form].read(text)
    except ValueError as refused:
        assert type(refused).__name__ == "Unreadable"  # noqa: PT017
