"""How the OpenAPI schema tells of our own kinds of fields, which take more forms than they answer."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension


class NamingField(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Taken as integer id or public key, answered as public key."""

    target_class = "coordinator.lib.serializers.Naming"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": ["string", "integer"] if direction == "request" else "string"}


class DecimalText(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Taken as text or number, answered as text."""

    target_class = "rest_framework.serializers.DecimalField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**schema, "type": ["string", "number"]} if direction == "request" else schema
