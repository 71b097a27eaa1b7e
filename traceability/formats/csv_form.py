"""CSV: one line a row. A cell that a spreadsheet would take for a formula starts with an apostrophe instead."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime

from traceability.formats.rows import ALL, Fault, Form, Row, Rows, Unreadable, checked

HEADER = ("type", "id", *ALL)
HARMLESS = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
GUARDED = re.compile(r"'+[=+\-@\t\r\n]")


def neutral(cell: str) -> str:
    """The cell, such that no spreadsheet computes it; `plain` gives it back."""
    return f"'{cell}" if FORMULA.match(cell) and not HARMLESS.match(cell) else cell


def plain(cell: str) -> str:
    return cell[1:] if GUARDED.match(cell) else cell


def write(rows: Sequence[Row], at: datetime) -> str:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(HEADER)
    for row in rows:
        table.writerow([row.type, neutral(row.key), *(neutral(row.values.get(name, "")) for name in ALL)])
    return text.getvalue()


def read(text: str) -> Rows:
    table = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Row] = []
    faults: list[Fault] = []
    try:
        names = next(table, [])
        if missing := {"type", "id"} - set(names):
            raise Unreadable(f"The first line must name the columns; {sorted(missing)[0]!r} is missing.")
        if len(set(names)) < len(names):
            raise Unreadable("The first line names a column twice.")
        for cells in table:
            if cells:
                _read_line(names, cells, table.line_num, rows, faults)
    except csv.Error as problem:
        raise Unreadable(f"Line {table.line_num} is no CSV: {problem}.") from problem
    return rows, faults


def _read_line(names: list[str], cells: list[str], line: int, rows: list[Row], faults: list[Fault]) -> None:
    if len(cells) != len(names):
        faults.append(Fault(line, "line", f"It has {len(cells)} cells, the first line {len(names)}."))
        return
    values = dict(zip(names, map(plain, cells), strict=True))
    row, wrong = checked(values.pop("type"), values.pop("id"), values, line)
    rows.extend([row] if row else [])
    faults.extend(wrong)


FORM = Form("text/csv; charset=utf-8", write, read)
