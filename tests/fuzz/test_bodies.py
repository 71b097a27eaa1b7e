"""Hostile bodies for every POST and PATCH of the schema: refused as a problem, nothing stored, never a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.fuzz.conftest import tried
from tests.fuzz.operations import Operation, Place, operations, types_of
from tests.permissions.world import World

PROBLEM = "application/problem+json"
WRITES = [each for each in operations() if each.row.verb in {"POST", "PATCH"}]
TYPED = [each for each in WRITES if each.fields()]
LARGE = {"/api/knowledge/": 10 * 1024 * 1024, "/api/traceability/import": 10 * 1024 * 1024}
SIGNING_IN = "POST /api/sessions"
"""Remembers every wrong password, so that guessing slows down."""

UNSIGNED = "/api/github/webhook"
"""Refuses everything without a signature, whatever the body is."""

WRONG = {
    "boolean": True,
    "number": 1.5,
    "integer": 987_654_321,
    "string": "no such\u00e9 thing",
    "array": [1],
    "object": {"a": 1},
    "null": None,
}
RAW = {
    "cut short": b'{"goal": "x"',
    "no JSON": b"goal=x",
    "single quotes": b"{'goal': 'x'}",
    "bytes that are no text": b'{"goal": "\xff\xfe"}',
    "NaN": b'{"zz": NaN}',
    "infinity": b'{"zz": -Infinity}',
    "a number of a million digits": b'{"zz": ' + b"9" * 1_000_000 + b"}",
    "a fraction of a million digits": b'{"zz": 0.' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"zz": 1e999999}',
    "the same key twice": b'{"zz": 1, "zz": 2}',
    "nested without end": b'{"zz": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested deep": b'{"zz": ' + b'{"a": ' * 200 + b"1" + b"}" * 200 + b"}",
    "two documents": b"{}{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a text": b'"text"',
    "a number": b"42",
    "a list of nothing": b"[null]",
    "an unknown field": b'{"no_such_field": 1}',
    "a NUL in a key": b'{"a\\u0000b": 1}',
}
TEXTS = {
    "a NUL": '"a\\u0000b"',
    "a lone surrogate": '"a\\ud800b"',
    "a lone surrogate, raw": '"\\udfff"',
    "a number beyond 2^53": "9007199254740993",
    "a number beyond 2^63": "99999999999999999999",
}
EXTREMES: dict[str, Any] = {
    "a huge text": "x" * 200_000,
    "nothing": "",
    "a blank": " ",
    "a negative number": -1,
    "a large number": 9_007_199_254_740_991,
    "a day that is none": "2026-02-30",
    "a year beyond": "10000-01-01T00:00:00Z",
    "the first second": "0001-01-01T00:00:00Z",
    "the last second": "9999-12-31T23:59:59-12:00",
    "a time without a zone": "2026-01-01T00:00:00",
    "another language": "'; DROP TABLE missions_mission; -- %s%n ../../etc/passwd <script>\u202eabc",
    "a long list": ["x"] * 5000,
    "a wide object": {f"k{number}": number for number in range(5000)},
}


def send(client: APIClient, operation: Operation, names: dict[str, str], raw: bytes) -> tuple[Any, bool]:
    address = operation.address(names)
    return tried(lambda: client.generic(operation.row.verb, address, raw, content_type="application/json"))  # type: ignore[arg-type]


def refused(answer: Any, stored: bool) -> str | None:
    """None when this is a refusal that left nothing; else what it is."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code} {answer.content[:200]!r}"
    if answer["Content-Type"] != PROBLEM or answer.json()["status"] != answer.status_code:
        return f"no problem document: {answer['Content-Type']} {answer.content[:200]!r}"
    return "it left rows behind" if stored else None


def survived(answer: Any, stored: bool) -> str | None:
    """None when this is an answer that was meant; else what it is."""
    return None if answer.status_code < 300 else refused(answer, stored)


def largest(address: str) -> int:
    """How many bytes a body may have: 1 MiB, and 10 MiB where whole documents come in."""
    return next((size for prefix, size in LARGE.items() if address.startswith(prefix)), 1024 * 1024)


def with_field(body: Any, path: Place, value: Any) -> Any:
    """The body with this value at this place; what is on the way there is made."""
    if not path:
        return value
    first, *rest = path
    if first == 0:
        inner = body[0] if isinstance(body, list) and body else None
        return [with_field(inner, tuple(rest), value)]
    whole = body if isinstance(body, dict) else {}
    return {**whole, str(first): with_field(whole.get(str(first)), tuple(rest), value)}


def told(path: Place) -> str:
    return ".".join(map(str, path))


def wrong_values(schema: dict[str, Any]) -> Iterator[Any]:
    """A value of each JSON type that the field does not have."""
    allowed = types_of(schema)
    yield from (value for kind, value in WRONG.items() if kind not in allowed)


@pytest.mark.parametrize("operation", WRITES, ids=lambda each: each.name)
def test_what_is_no_proper_json_is_refused(world: World, admin: APIClient, operation: Operation) -> None:
    came = {name: refused(*send(admin, operation, world.names, raw)) for name, raw in RAW.items()}
    assert {name: fault for name, fault in came.items() if fault} == {}


@pytest.mark.parametrize("operation", WRITES, ids=lambda each: each.name)
def test_a_body_that_is_too_large_is_413(world: World, admin: APIClient, operation: Operation) -> None:
    size = largest(operation.row.address) + 1024 * 1024
    answer, stored = send(admin, operation, world.names, b'{"zz": "' + b"x" * size + b'"}')
    assert (answer.status_code, answer["Content-Type"], stored) == (413, PROBLEM, False)


@pytest.mark.parametrize("operation", WRITES, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=b", "nonsense"])
def test_another_media_type_is_415(world: World, admin: APIClient, operation: Operation, kind: str) -> None:
    address = operation.address(world.names)
    answer, stored = tried(lambda: admin.generic(operation.row.verb, address, "{}", content_type=kind))
    wanted = 401 if address == UNSIGNED else 415
    assert (answer.status_code, answer["Content-Type"], stored) == (wanted, PROBLEM, False)


@pytest.mark.parametrize("operation", TYPED, ids=lambda each: each.name)
def test_a_wrong_type_in_any_field_is_refused(world: World, admin: APIClient, operation: Operation) -> None:
    came = {}
    for path, schema in operation.fields():
        for value in wrong_values(schema):
            raw = json.dumps(with_field(operation.body(world.names), path, value)).encode()
            came[f"{told(path)} = {value!r}"] = refused(*send(admin, operation, world.names, raw))
    assert {name: fault for name, fault in came.items() if fault} == {}


@pytest.mark.parametrize("operation", TYPED, ids=lambda each: each.name)
def test_what_cannot_be_stored_is_refused_in_any_field(world: World, admin: APIClient, operation: Operation) -> None:
    came = {}
    for path, _ in operation.fields():
        body = json.dumps(with_field(operation.body(world.names), path, "HERE"))
        for name, text in TEXTS.items():
            raw = body.replace('"HERE"', text).encode()
            came[f"{told(path)} = {name}"] = refused(*send(admin, operation, world.names, raw))
    assert {name: fault for name, fault in came.items() if fault} == {}


@pytest.mark.parametrize("operation", TYPED, ids=lambda each: each.name)
def test_an_extreme_value_in_any_field_is_taken_or_refused(
    world: World, admin: APIClient, operation: Operation
) -> None:
    came = {}
    for path, _ in operation.fields():
        for name, value in EXTREMES.items():
            raw = json.dumps(with_field(operation.body(world.names), path, value)).encode()
            answer, stored = send(admin, operation, world.names, raw)
            came[f"{told(path)} = {name}"] = survived(answer, stored and operation.name != SIGNING_IN)
    assert {name: fault for name, fault in came.items() if fault} == {}
