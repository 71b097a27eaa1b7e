"""The schema's operations, each with its address, a valid body and what its fields may be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests.permissions.bodies import BODIES, filled
from tests.permissions.rows import Row, read

Place = tuple[str | int, ...]
"""Where a field stands in a body: names, and 0 for the first of a list."""

JSON = "application/json"
MADE_UP = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


@dataclass(frozen=True)
class Operation:
    """One verb of one route. `schema` is that of its body, references resolved; None when it takes no body."""

    row: Row
    schema: dict[str, Any] | None

    @property
    def name(self) -> str:
        return f"{self.row.verb} {self.row.address}"

    def address(self, names: dict[str, str]) -> str:
        return self.row.address.format(**names)

    def body(self, names: dict[str, str]) -> dict[str, Any]:
        """A valid body, flat."""
        found: dict[str, Any] = filled(BODIES.get(self.name, {}), names)
        wrapped = len(found) == 1 and not set(found) & set((self.schema or {}).get("properties", {}))
        return dict(next(iter(found.values()))) if wrapped else found

    def fields(self) -> list[tuple[Place, dict[str, Any]]]:
        """Each field of the body, also of objects and lists within it, with its schema."""
        return list(_fields(self.schema or {}, ()))


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as clients get it."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return found


def operations() -> list[Operation]:
    """Every operation of the schema for which the table of permissions has a row."""
    rows = {(row.verb, row.route): row for row in read()}
    found = []
    for path, verbs in document()["paths"].items():
        route = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        found += [Operation(rows[verb.upper(), route], body_schema(told)) for verb, told in verbs.items()]
    return found


def body_schema(told: dict[str, Any]) -> dict[str, Any] | None:
    content = told.get("requestBody", {}).get("content", {})
    return one_object(resolved(content[JSON]["schema"])) if JSON in content else None


def one_object(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or the first object of its alternatives."""
    for each in schema.get("oneOf", schema.get("anyOf", [])):
        if resolved(each).get("type") == "object":
            return resolved(each)
    return schema


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a `$ref`, or behind an `allOf` of one."""
    if "$ref" in schema:
        return resolved(document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if len(schema.get("allOf", [])) == 1:
        return {**resolved(schema["allOf"][0]), **{name: each for name, each in schema.items() if name != "allOf"}}
    return schema


def types_of(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a field may have; every type when the schema says none."""
    schema = resolved(schema)
    if alternatives := schema.get("oneOf", schema.get("anyOf", [])):
        return set().union(*(types_of(each) for each in alternatives))
    if "enum" in schema and "type" not in schema:
        return {"null" if value is None else MADE_UP[type(value)] for value in schema["enum"]}
    told = schema.get("type", [*MADE_UP.values(), "null"])
    found = {told} if isinstance(told, str) else set(told)
    return found | {"integer"} if "number" in found else found


def _fields(schema: dict[str, Any], before: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    for name, each in schema.get("properties", {}).items():
        yield (*before, name), each
        yield from _fields(one_object(resolved(each)), (*before, name))
    if "items" in schema:
        yield (*before, 0), schema["items"]
        yield from _fields(one_object(resolved(schema["items"])), (*before, 0))
