"""Markdown: a heading for each row, a list of its values, and its description as a quotation."""

import re
from collections.abc import Sequence
from datetime import datetime

from traceability.formats.rows import ALL, COLUMNS, WORDS, Fault, Form, Row, Rows, Unreadable, checked

LEVELS = {"objective": 1, "key_result": 2, "requirement": 3, "task": 4}
TYPES = {word: kind for kind, word in WORDS.items()}
HEADING = re.compile(r"(#{1,4}) (Objective|Key result|Requirement|Task) ([^\s]+): (.*)\Z")
VALUE = re.compile(r"- ([a-z_]+):(?: (.*))?\Z")
SHOWN = tuple(name for name in ALL if name not in {"parent", "title", "description"})
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
BACK = {escaped: character for character, escaped in ESCAPES.items()}


def write(rows: Sequence[Row], at: datetime) -> str:
    return "\n".join("\n".join(_lines(row)) for row in rows)


def _lines(row: Row) -> list[str]:
    lines = [f"{'#' * LEVELS[row.type]} {WORDS[row.type]} {row.key}: {_escaped(row.values.get('title', ''))}", ""]
    lines += [f"- {name}: {_escaped(row.values[name])}" for name in SHOWN if row.values.get(name)]
    if description := row.values.get("description"):
        lines += ["", *(f"> {_escaped(line)}" for line in description.split("\n"))]
    return [*lines, ""]


def read(text: str) -> Rows:
    reader = Reader()
    for number, line in enumerate(text.split("\n"), 1):
        reader.take(number, line.removesuffix("\r"))
    reader.close()
    if not reader.rows and not reader.faults:
        raise Unreadable('There is no heading such as "# Objective o-1: Title" here.')
    return reader.rows, reader.faults


class Reader:
    """Takes line by line; a heading ends the row before it and stands under the last one of a higher level."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.faults: list[Fault] = []
        self.above: dict[int, str] = {}
        self.heading: tuple[str, str, int] | None = None
        self.values: dict[str, str] = {}
        self.quoted: list[str] = []

    def take(self, number: int, line: str) -> None:
        if found := HEADING.match(line):
            self.close()
            self._open(found, number)
        elif line.startswith("#"):
            self.faults.append(Fault(number, "line", 'A heading reads "### Requirement r-1: Title".'))
        elif self.heading and line.startswith(">"):
            self.quoted.append(_plain(line[1:].removeprefix(" ")))
        elif self.heading and (value := VALUE.match(line)):
            self.values[value[1]] = _plain(value[2] or "")
        elif line.strip():
            self.faults.append(Fault(number, "line", "It is no heading, no `- name: value` and no quotation."))

    def close(self) -> None:
        """Ends the row that is open."""
        if self.heading is None:
            return
        kind, key, line = self.heading
        left: dict[str, str] = {str(name): "" for name in ("description", "owner", "unit") if name in COLUMNS[kind]}
        if self.quoted:
            self.values["description"] = "\n".join(self.quoted)
        row, wrong = checked(kind, key, {**left, **self.values}, line)
        self.rows.extend([row] if row else [])
        self.faults.extend(wrong)
        self.heading, self.values, self.quoted = None, {}, []

    def _open(self, found: re.Match[str], number: int) -> None:
        kind, key = TYPES[found[2]], found[3]
        level = LEVELS[kind]
        if len(found[1]) != level:
            self.faults.append(Fault(number, "line", f"A heading of this type has {level} times #."))
        self.above = {other: name for other, name in self.above.items() if other < level}
        self.heading, self.values = (kind, key, number), {"title": _plain(found[4])}
        if level > 1:
            self.values["parent"] = self.above.get(level - 1, "")
        self.above[level] = key


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


def _plain(text: str) -> str:
    return re.sub(r"\\[\\nr]", lambda found: BACK[found[0]], text)


FORM = Form("text/markdown; charset=utf-8", write, read)
