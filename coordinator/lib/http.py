"""JSON in and out: strict about what comes in, plain about what goes out."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from coordinator.lib.errors import Invalid

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 64


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def read_json(raw: bytes) -> Any:
    """The value of a JSON text. Raises ParseError (malformed) or Invalid (no such text or number can be stored)."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise ParseError(f"The body is not valid JSON: {str(problem)[:200]}") from problem
    _check(value, "", 0)
    return value


def _check(value: Any, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise Invalid({path.split(".")[0] or "body": [f"Nested deeper than {DEEPEST} levels."]})
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, path)
            _check(inner, f"{path}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, f"{path}.{index}".lstrip("."), depth + 1)
    else:
        _check_number(value, path)


def _check_number(value: Any, path: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid({path or "body": ["This number is too large."]})
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise Invalid({path or "body": [f"Whole numbers must be within {LARGEST_INTEGER}; send larger ones as text."]})


def _check_text(value: str, path: str) -> None:
    if "\x00" in value:
        raise Invalid({path or "body": ["Text must not contain the NUL character."]})
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid({path or "body": ["Text must not contain a lone surrogate."]})


class StrictJSONParser(BaseParser):
    """Accepts exactly the JSON that we can keep: no duplicate key, NUL, lone surrogate, NaN or integer beyond 2^53."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = stream.read()
        return read_json(raw) if raw else {}


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        if data is None:
            return b""
        return orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, (dict, Mapping)):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    return str(value)


class JSONOnly(BaseContentNegotiation):
    """Answers JSON whatever the Accept header says: there is no other form."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").split(";")[0].strip().lower()
        known = kind in {"", "application/json"} or kind.endswith("+json")
        return parsers[0] if known else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
