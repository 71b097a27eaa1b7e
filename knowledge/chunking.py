"""Cuts a document into passages: by section first, then by paragraph, each about 1,000 characters.

Pure. Every passage carries its path of headings ("title > section"), because a model that reads one passage
alone otherwise cannot tell what it is about.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

SIZE = 1000
"""Characters of a passage. The embedder reads 256 tokens, which is about this much with its headings."""
WIDEST_HEADING = 80
DEEPEST_PATH = 3
MOST_SECTIONS = 10_000
"""A text with more headings than this is no document with sections; it is cut by size alone."""

ATX = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*\Z")
RULE = re.compile(r"([=\-~^\"'*+#])\1{2,}[ \t]*\Z")
FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
SENTENCE = re.compile(r"(?<=[.!?;])\s+")


@dataclass(frozen=True)
class Chunk:
    """One passage of a document: its place, its path of headings and its text."""

    ordinal: int
    heading_path: str
    text: str

    @property
    def reading(self) -> str:
        """What the embedder reads."""
        return f"{self.heading_path}\n{self.text}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.reading.encode()).hexdigest()


@dataclass
class Section:
    """The text under one heading. Level 0 is the text before the first heading."""

    level: int = 0
    headings: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)


def chunk(title: str, content: str, size: int = SIZE) -> list[Chunk]:
    """The passages of a document in reading order; none when the content is blank."""
    cut = list(islice(sections(content), MOST_SECTIONS + 1))
    if len(cut) > MOST_SECTIONS:
        cut = [Section(lines=content.splitlines())]
    texts = (
        (heading_path(title, section.headings), text)
        for section in _with_text(cut)
        for text in _packed(section.lines, size)
    )
    return [Chunk(ordinal, path, text) for ordinal, (path, text) in enumerate(texts)]


def heading_path(title: str, headings: tuple[str, ...]) -> str:
    """`title > section > subsection`, without saying the title twice and without growing past its use."""
    inner = headings[1:] if headings and headings[0].casefold() == title.casefold() else headings
    return " > ".join(_short(part) for part in (title, *inner[-DEEPEST_PATH:]) if part)


def first_heading(content: str) -> str:
    """A title for a document that came without one: its first heading, else its first line."""
    for section in sections(content):
        if section.headings:
            return _short(section.headings[-1])
        if line := next((line.strip() for line in section.lines if line.strip()), ""):
            return _short(line)
    return ""


def sections(content: str) -> Iterator[Section]:
    """The document's sections in order. Reads Markdown (`#`, underlines) and reStructuredText headings."""
    section = Section()
    underlines: dict[str, int] = {}
    stack: list[tuple[int, str]] = []
    for level, heading, line in _lines(content.splitlines(), underlines):
        if not level:
            section.lines.append(line)
            continue
        yield section
        stack = [*(step for step in stack if step[0] < level), (level, heading)]
        section = Section(level, tuple(text for _, text in stack))
    yield section


def _lines(lines: list[str], underlines: dict[str, int]) -> Iterator[tuple[int, str, str]]:
    """`(level, heading, "")` for each heading and `(0, "", line)` for every other line."""
    fence = ""
    skip = False
    for at, line in enumerate(lines):
        if skip:
            skip = False
            continue
        fence = _fence_after(fence, line)
        level, heading = (0, "") if fence else _heading(lines, at, underlines)
        skip = level > 0 and not ATX.match(line)
        if level or fence or not _is_overline(lines, at):
            yield level, heading, "" if level else line


def _fence_after(fence: str, line: str) -> str:
    """The code fence that is open after this line."""
    mark = FENCE.match(line)
    if mark is None:
        return fence
    if not fence:
        return mark.group(1)
    return "" if mark.group(1).startswith(fence) and not line.strip(" `~") else fence


def _heading(lines: list[str], at: int, underlines: dict[str, int]) -> tuple[int, str]:
    line = lines[at]
    if atx := ATX.match(line):
        return len(atx.group(1)), atx.group(2).strip()
    if _is_underlined(lines, at):
        mark = lines[at + 1][0]
        return underlines.setdefault(mark, len(underlines) + 1), line.strip()
    return 0, ""


def _is_underlined(lines: list[str], at: int) -> bool:
    line = lines[at].rstrip()
    if not line.strip() or at + 1 >= len(lines) or RULE.match(line) or not RULE.match(lines[at + 1]):
        return False
    stands_alone = at == 0 or not lines[at - 1].strip() or RULE.match(lines[at - 1])
    return bool(stands_alone) and len(lines[at + 1].rstrip()) >= len(line)


def _is_overline(lines: list[str], at: int) -> bool:
    return bool(RULE.match(lines[at])) and at + 1 < len(lines) and _is_underlined(lines, at + 1)


def _with_text(found: list[Section]) -> Iterator[Section]:
    """The sections that say something. A heading with nothing under it, not even a subsection, is its own text."""
    for at, section in enumerate(found):
        if any(line.strip() for line in section.lines):
            yield section
        elif section.headings and (at + 1 == len(found) or found[at + 1].level <= section.level):
            yield Section(section.level, section.headings, [section.headings[-1]])


def _packed(lines: list[str], size: int) -> Iterator[str]:
    """Paragraphs joined up to `size` characters, long ones cut at lines, sentences, words, in that order."""
    packed = ""
    for block in _blocks(lines):
        for piece, glue in _pieces(block, size):
            if packed and len(packed) + len(glue) + len(piece) > size:
                yield packed
                packed = ""
            packed = f"{packed}{glue}{piece}" if packed else piece
    if packed:
        yield packed


def _blocks(lines: list[str]) -> Iterator[str]:
    """The paragraphs; a fenced piece of code is one of them, whatever blank lines are in it."""
    block: list[str] = []
    fence = ""
    for line in lines:
        fence = _fence_after(fence, line)
        if line.strip() or (fence and block):
            block.append(line.rstrip())
        elif block:
            yield "\n".join(block).rstrip()
            block = []
    if block:
        yield "\n".join(block).rstrip()


def _pieces(block: str, size: int) -> Iterator[tuple[str, str]]:
    """The block in pieces of at most `size` characters, each with what joins it to the piece before."""
    if len(block) <= size:
        yield block, "\n\n"
        return
    for at, line in enumerate(block.split("\n")):
        glue = "\n" if at else "\n\n"
        for sentence in [line] if len(line) <= size else SENTENCE.split(line):
            for words in _words(sentence, size):
                yield words, glue
                glue = " "


def _words(text: str, size: int) -> Iterator[str]:
    start = 0
    while len(text) - start > size:
        space = text.rfind(" ", start + size // 2, start + size)
        cut = start + size if space < 0 else space
        yield text[start:cut].rstrip()
        start = cut + 1 if text[cut] == " " else cut
    if text[start:].strip():
        yield text[start:].strip()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDEST_HEADING else f"{text[: WIDEST_HEADING - 1].rstrip()}…"
