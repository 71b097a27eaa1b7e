"""One entry by itself: its columns against its text, the text's form, and the texts beside it.

Works on rows as `READ` gives them: plain tuples with times as text, since this runs for every entry of a ledger.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import re2

from traceability.canonical import ERASABLE, FLOAT, LARGEST_INTEGER

MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
PROJECTED = (
    "kind", "schema", "actor_kind", "actor_id", "actor_name", "on_behalf_of", "request_id", "subject_type",
    "subject_id", "subject_key", "mission_id", "task_id", "agent_id", "occurred_at",
)  # fmt: skip
"""The columns that only repeat what the text says, in the order of a row."""

SELECTED = (
    "id, stream, seq, "
    + ", ".join(MOMENT.format(name) if name == "occurred_at" else name for name in PROJECTED)
    + f", {MOMENT.format('recorded_at')}, canonical, hash, body"
)
Row = tuple[Any, ...]
ID, STREAM, SEQ, KIND = 0, 1, 2, 3
COLUMNS = slice(3, 3 + len(PROJECTED))
RECORDED_AT, TEXT, HASH, BODY = 17, 18, 19, 20

Fault = tuple[str, str, str | None, str | None]
"""What is wrong with an entry: kind, detail, expected, found."""

Erased = Mapping[tuple[str, int], set[str]]
"""Which paths of which entries, by stream and seq, were erased lawfully."""

ODD = re2.compile(r'(?:":|[\[,])-?(?:[0-9]+[.eE]|[0-9]{16})')
"""Where a number may stand that the ledger does not keep: a float, or one that is too large."""


def told_of(row: Row) -> Any:
    """The text, read as it stands; None when it is no JSON."""
    try:
        return orjson.loads(row[TEXT])
    except orjson.JSONDecodeError:
        return None


def fault(row: Row, erased: Erased) -> Fault | None:
    """What is wrong with an entry by itself; None when nothing is."""
    told, text = told_of(row), row[TEXT]
    if told is None:
        return "non_canonical", "the text is no JSON", None, None
    if written(told) != text:
        return "non_canonical", "the text is not in canonical form", None, None
    if ('"$' in text or ODD.search(text)) and not _is_plain(told):
        return "non_canonical", "the text holds what the ledger does not write", None, None
    if projected(told) != row[COLUMNS]:
        return _mismatch(told, row)
    if row[BODY] is not None or '{"$erasable":' in text:
        return _body_fault(told, row, erased)
    return None


def written(value: Any) -> str | None:
    """The canonical text of what was read as it stands; None for what is nested too deeply to be ours."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return None


def projected(told: Any) -> Row:
    """What the columns of a text must hold; an empty tuple for a text that is not of our form."""
    try:
        actor, refs = told["actor"], told["refs"]
        subject = refs.get("subject") or {}
        return (
            told["kind"], told["schema"], actor["kind"], actor["id"], actor["name"], told["on_behalf_of"],
            told["request_id"], subject.get("type"), subject.get("id"), subject.get("key"),
            _id(refs.get("mission")), _id(refs.get("task")), _id(refs.get("agent")), told["occurred_at"],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError):
        return ()


def sealed(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each erasable path of a text as it stands, with its digest."""
    if isinstance(data, dict):
        if set(data) == {ERASABLE}:
            yield path, data[ERASABLE]
            return
        for name, inner in data.items():
            plain = name.removeprefix("$")
            yield from sealed(inner, f"{path}.{plain}" if path else plain)


def _id(ref: Any) -> Any:
    return None if ref is None else ref["id"]


def _mismatch(told: Any, row: Row) -> Fault:
    wanted = projected(told)
    if not wanted:
        return "non_canonical", "the text lacks what every entry tells", None, None
    differing = [at for at, (text, column) in enumerate(zip(wanted, row[COLUMNS], strict=True)) if text != column]
    names = ", ".join(PROJECTED[at] for at in differing)
    verb = "differs" if len(differing) == 1 else "differ"
    first = differing[0]
    return "column_mismatch", f"{names} {verb} from the text", str(wanted[first]), str(row[COLUMNS][first])


def _body_fault(told: Any, row: Row, erased: Erased) -> Fault | None:
    held = _held(row[BODY])
    if held is None or (row[BODY] is not None and not held):
        return "payload_modified", "the texts beside it are not in the form that the ledger writes", None, None
    lawful = erased.get((row[STREAM], row[SEQ]), set())
    if not lawful and held and written(held) != row[BODY]:
        return "payload_modified", "the texts beside it are not in canonical form", None, None
    return _of_texts(dict(sealed(told.get("data"))), held, lawful)


def _of_texts(fixed: Mapping[str, str], held: Mapping[str, Any], lawful: set[str]) -> Fault | None:
    """The texts beside an entry against the digests that it fixes, and against what was erased of them."""
    for path in held:
        if path not in fixed:
            return "payload_modified", f"{path} stands beside it, and the text knows nothing of it", None, path
    for path, digest in fixed.items():
        if path in held and (found := _digest(held[path])) != digest:
            return "payload_modified", f"{path} is not what the text fixes", digest, found
        if path not in held and path not in lawful:
            return "payload_modified", f"{path} is gone, and no entry tells of its erasure", digest, None
    if left := sorted(lawful.intersection(held)):
        return "erased_still_there", f"{', '.join(left)} told as erased, and still there", None, None
    return None


def _held(body: str | None) -> dict[str, Any] | None:
    """What stands beside an entry, as it stands; None when it is no such thing."""
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _digest(part: Any) -> str:
    if not isinstance(part, dict) or set(part) != {"salt", "value"} or not isinstance(part["salt"], str):
        return "nothing readable"
    return hashlib.sha256(f"{part['salt']}\x1f{written(part['value'])}".encode()).hexdigest()


def _is_plain(value: Any) -> bool:
    """Whether a value, read as it stands, is one that the ledger writes."""
    if isinstance(value, float):
        return False
    if isinstance(value, int):
        return abs(value) <= LARGEST_INTEGER
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if not isinstance(value, dict):
        return True
    if set(value) == {FLOAT}:
        return _is_float(value[FLOAT])
    if set(value) == {ERASABLE}:
        return isinstance(value[ERASABLE], str) and re.fullmatch(r"[0-9a-f]{64}", value[ERASABLE]) is not None
    return all((not key.startswith("$") or key.startswith("$$")) and _is_plain(each) for key, each in value.items())


def _is_float(text: Any) -> bool:
    try:
        return isinstance(text, str) and repr(float(text)) == text and text not in {"nan", "inf", "-inf"}
    except ValueError:
        return False
