"""JSON: `{"format": "json", "items": [{"type", "id", ...}, ...]}`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from traceability.formats.rows import Fault, Form, Row, Rows, Unreadable, checked


def write(rows: Sequence[Row], at: datetime) -> str:
    items = [{"type": row.type, "id": row.key, **row.values} for row in rows]
    return orjson.dumps({"format": "json", "items": items}, option=orjson.OPT_INDENT_2).decode()


def read(text: str) -> Rows:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise Unreadable(f"This is no JSON: {problem}.") from problem
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise Unreadable('Give an object with "items", a list of rows.')
    return read_items(items)


def read_items(items: list[Any]) -> Rows:
    """The rows of items that are read already; the line is an item's number, from 1."""
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, item in enumerate(items, 1):
        if not isinstance(item, dict):
            faults.append(Fault(line, "line", "An item must be an object."))
            continue
        odd = [name for name, value in item.items() if not _is_plain(value)]
        faults += [Fault(line, name[:100], "This must be text or a number.") for name in odd]
        values = {name: str(value) for name, value in item.items() if value is not None and name not in odd}
        row, wrong = checked(values.pop("type", ""), values.pop("id", ""), values, line)
        rows.extend([row] if row else [])
        faults.extend(wrong)
    return rows, faults


def _is_plain(value: Any) -> bool:
    return value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool))


FORM = Form("application/json", write, read)
