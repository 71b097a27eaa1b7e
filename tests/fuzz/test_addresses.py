"""Hostile queries, paths and headers: an answer that was meant or a problem, never a 500."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from tests.fuzz.conftest import tried
from tests.fuzz.operations import Operation, document, operations
from tests.fuzz.test_bodies import survived
from tests.permissions.world import World

EVERY = operations()
QUERIED = [each for each in EVERY if each.row.verb == "GET"]
NAMED = [each for each in EVERY if "{" in each.row.address]
VALUES = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\udcff",
    "é",
    "%",
    "' OR 1=1 --",
    "-1",
    "0",
    "1.5",
    "1e9",
    "99999999999999999999",
    "9" * 5000,
    "null",
    "true",
    "maybe",
    ",",
    "active,",
    "active,nowhere",
    "2026-13-45T00:00:00Z",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "٣",
    "²",
    "{}",
    "[1]",
)
CURSORS = (
    "nonsense",
    "====",
    "cD1hYmM",
    *(
        base64.b64encode(text).decode()
        for text in (
            b"p=abc",
            b"p=99999999999999999999",
            b"p=-1",
            b"o=99999999999&p=1",
            b"o=-1&p=1",
            b"r=1",
            b"r=x&o=x&p=x",
            b"\xff\xfe",
            b"p=1&p=2",
            b"p=%00",
            b"p=2026-01-01",
        )
    ),
)
KEYS = (
    "\x00",
    "a\x00",
    "..",
    ".",
    " ",
    "é",
    "%",
    "%2F",
    "-1",
    "0",
    "1e3",
    "99999999999999999999",
    "9" * 300,
    "x" * 3000,
    "null",
    "٣",
    "²",
    "'",
    "<script>",
)
HEADERS = {
    "X-Request-Id": ("", " ", "x" * 5000, "a b", "é", "\x7f"),
    "If-Match": ("nonsense", '"', '"x"', '"99999999999999999999"', "W/", '"-1"', "*", '"1", "2"'),
    "Idempotency-Key": ("", " ", "x" * 5000, "a b", "é"),
    "Authorization": ("Bearer", "Bearer ", "Bearer  x", "Bearer " + "x" * 5000, "Basic eDp5", "Bearer é", "\x7f"),
    "Accept": ("", "nonsense", "text/html", "application/xml;q=x"),
    "Content-Length": ("-1", "x", "99999999999999999999"),
}


def lists() -> set[str]:
    """The addresses of lists: those that take a cursor."""
    paths = document()["paths"]
    told = {path for path, verbs in paths.items() if any(each["name"] == "cursor" for each in _asked(verbs))}
    return {"/".join("{}" if part.startswith("{") else part for part in path.split("/")) for path in told}


def _asked(verbs: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = verbs.get("get", {}).get("parameters", [])
    return found


def parameters(operation: Operation) -> list[str]:
    """The names that the operation's query may have."""
    for path, verbs in document()["paths"].items():
        if "/".join("{}" if part.startswith("{") else part for part in path.split("/")) == operation.row.route:
            return [each["name"] for each in _asked(verbs) if each["in"] == "query"]
    return []


@pytest.mark.parametrize("operation", QUERIED, ids=lambda each: each.name)
def test_nonsense_in_any_parameter_is_understood_or_refused(
    world: World, admin: APIClient, operation: Operation
) -> None:
    came = {}
    for name in parameters(operation):
        for value in (*VALUES, *(CURSORS if name == "cursor" else ())):
            address = f"{operation.address(world.names)}?{name}={quote(value, errors='surrogateescape')}"
            came[f"{name}={value[:50]!r}"] = survived(*tried(lambda: admin.get(address)))  # noqa: B023
    assert {name: told for name, told in came.items() if told} == {}


@pytest.mark.parametrize("route", sorted(lists()))
def test_an_unknown_filter_of_any_list_is_400(world: World, admin: APIClient, route: str) -> None:
    operation = next(each for each in QUERIED if each.row.route == route)
    for query in ("no_such_filter=1", "page_size=0", "page_size=501", "page_size=x", "cursor=nonsense"):
        answer = admin.get(f"{operation.address(world.names)}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), query


@pytest.mark.parametrize("operation", NAMED, ids=lambda each: each.name)
def test_a_hostile_name_in_a_path_is_refused(world: World, admin: APIClient, operation: Operation) -> None:
    came = {}
    for key in KEYS:
        address = operation.address(dict.fromkeys(world.names, quote(key)))
        call = tried(lambda: admin.generic(operation.row.verb, address, "{}", content_type="application/json"))  # noqa: B023
        came[f"{key[:50]!r}"] = survived(*call)
    assert {name: told for name, told in came.items() if told} == {}


@pytest.mark.parametrize(("header", "value"), [(name, each) for name, values in HEADERS.items() for each in values])
def test_a_hostile_header_is_ignored_or_refused(world: World, admin: APIClient, header: str, value: str) -> None:
    given = {f"HTTP_{header.upper().replace('-', '_')}": value}
    if header == "Content-Length":
        given = {"CONTENT_LENGTH": value}
    body = '{"goal": "Be careful"}'
    calls = {
        "POST": lambda: admin.post("/api/missions", body, content_type="application/json", **given),  # type: ignore[arg-type]
        "GET": lambda: admin.get("/api/missions", **given),  # type: ignore[arg-type]
    }
    came = {verb: survived(*tried(call)) for verb, call in calls.items()}
    assert {verb: told for verb, told in came.items() if told} == {}
