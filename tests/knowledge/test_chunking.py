from hypothesis import given
from hypothesis import strategies as st

from knowledge import chunking
from knowledge.chunking import SIZE, chunk

GUIDE = """Read this first.

# Setup

Install it.

## Database

Use PostgreSQL.

## Empty

# Running

```
# no heading, a comment

make run
```

Deploying
---------

Push the tag.
"""


def test_each_section_is_a_passage_with_its_headings() -> None:
    assert [(each.heading_path, each.text) for each in chunk("Guide", GUIDE)] == [
        ("Guide", "Read this first."),
        ("Guide > Setup", "Install it."),
        ("Guide > Setup > Database", "Use PostgreSQL."),
        ("Guide > Setup > Empty", "Empty"),
        ("Guide > Running", "```\n# no heading, a comment\n\nmake run\n```"),
        ("Guide > Deploying", "Push the tag."),
    ]


def test_restructured_text_headings_are_read_with_and_without_overline() -> None:
    content = "=====\nTitle\n=====\n\nIntro.\n\nPart\n====\n\nBody.\n\nInner\n-----\n\nDeep."
    assert [each.heading_path for each in chunk("", content)] == ["Title", "Part", "Part > Inner"]


def test_the_title_is_not_said_twice() -> None:
    assert chunk("Plan", "# Plan\n\nGo.")[0].heading_path == "Plan"


def test_a_rule_between_paragraphs_is_no_heading() -> None:
    assert {each.heading_path for each in chunk("T", "One\ntwo\n\n---\n\nthree\nfour lines here\n***\nfive")} == {"T"}


def test_paragraphs_are_packed_up_to_the_size() -> None:
    content = "\n\n".join(f"Paragraph {number} " + "x" * 280 for number in range(10))
    lengths = [len(each.text) for each in chunk("T", content)]
    assert len(lengths) == 4
    assert max(lengths) <= SIZE


def test_long_lines_are_cut_at_sentences_then_at_words_then_anywhere() -> None:
    sentences = chunk("T", "A sentence of some length stands here. " * 60)
    assert all(each.text.endswith(".") for each in sentences)
    assert all(each.text.endswith("word") for each in chunk("T", "word " * 900))
    assert [len(each.text) for each in chunk("T", "x" * 2500)] == [1000, 1000, 500]


def test_a_text_of_headings_alone_is_still_found() -> None:
    assert [each.text for each in chunk("T", "# One\n# Two")] == ["One", "Two"]


def test_a_text_with_too_many_headings_is_cut_by_size() -> None:
    passages = chunk("T", "# h\n" * 20_000)
    assert len(passages) < 100


def test_a_title_is_read_from_the_first_heading_or_line() -> None:
    assert chunking.first_heading("\n\n# Lease rules #\n\nText") == "Lease rules"
    assert chunking.first_heading("Just a line\nand another") == "Just a line"
    assert len(chunking.first_heading("long " * 100)) <= 80


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6000), st.integers(50, 400))
def test_nothing_is_lost_and_no_passage_is_too_long(content: str, size: int) -> None:
    passages = chunk("", content, size)
    said = "".join(f"{each.heading_path} {each.text}" for each in passages)
    words = {word for word in content.split() if word.isalnum() and len(word) < 40}
    assert {word for word in words if word not in said} == set()
    assert all(len(each.text) <= size for each in passages)
    assert [each.ordinal for each in passages] == list(range(len(passages)))


@given(st.lists(st.sampled_from(["# A", "## B", "text here", "", "```", "C", "===", "---", "x" * 300]), max_size=60))
def test_any_mix_of_headings_and_fences_is_cut(lines: list[str]) -> None:
    content = "\n".join(lines)
    assert all(each.text.strip() for each in chunk("T", content, 200))


SCRAPS = st.sampled_from(["# A", "#", "# #", "===", "---", "```", "~~~~", "a", "  ", "\t", "\u200b", "\x1c", "****"])


@given(st.lists(SCRAPS | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), max_size=12))
def test_whatever_says_something_has_a_title_and_a_passage(lines: list[str]) -> None:
    content = "\n".join(lines)
    title = chunking.first_heading(content)
    assert (bool(title.strip()), bool(chunk(title, content))) == (bool(content.strip()),) * 2
