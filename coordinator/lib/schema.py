"""What the OpenAPI schema says beyond what the serializers do: filters, ETags, idempotency, problems."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_lib_doc_excludes
from drf_spectacular.utils import OpenApiParameter

from coordinator.lib import serializers, views
from coordinator.lib.schema_fields import DecimalText, NamingField

__all__ = ["DecimalText", "NamingField", "Schema", "add_problems", "mute_bases"]

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}
ALWAYS = {
    "400": "Malformed",
    "401": "No valid credential",
    "403": "Not allowed",
    "429": "Too many requests",
    "503": "The database is away",
}
ON_WRITE = {"409": "Conflict", "412": "Stale", "413": "Too large", "415": "Not JSON", "422": "Breaks a rule"}
KEY_OF_RETRY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key and body within 24 h answers the same."
)
MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read; an old one is 412."
)


class Schema(AutoSchema):
    """Adds to each operation what all operations of its kind have in common."""

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if self.method == "POST":
            found.append(KEY_OF_RETRY)
        if self.method in {"PATCH", "PUT"}:
            found.append(MATCH)
        if self._is_list_view():
            found += [_parameter(name, each) for name, each in getattr(self.view, "filters", {}).items()]
        return found

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular drops the arguments
        scopes = getattr(self.view, "scopes", {})
        scope = scopes.get(getattr(self.view, "action", ""), getattr(self.view, "scope", ""))
        said = super().get_description() or ""
        return f"{said}\n\nScope: `{scope}`".strip() if scope else said

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part and part != "api"]
        return [parts[0].replace("_", " ")] if parts else ["root"]


def _parameter(name: str, each: Any) -> OpenApiParameter:
    return OpenApiParameter(name, each.schema, OpenApiParameter.QUERY, description=each.description)


def mute_bases() -> list[Any]:
    """Classes whose docstrings are for us, not for readers of the API."""
    ours = [each for module in (serializers, views) for each in vars(module).values() if isinstance(each, type)]
    return [*get_lib_doc_excludes(), *ours]  # type: ignore[no-untyped-call]


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Every operation may answer a problem document."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            known = dict(ALWAYS)
            if "{" in path:
                known["404"] = "No such resource"
            if method in {"post", "patch", "put", "delete"}:
                known |= ON_WRITE
            if method == "post":
                known["404"] = "No such resource"
            for code, text in known.items():
                operation["responses"].setdefault(code, {"description": text, "content": content})
    return result
