"""Cursor pages: stable under inserts, never a COUNT."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from coordinator.lib.errors import Malformed

LARGEST_PAGE = 500


class CursorPages(CursorPagination):
    """`{"results": [...], "next": URL or null, "previous": URL or null}`, ordered by a unique field."""

    page_size = 50
    max_page_size = LARGEST_PAGE
    page_size_query_param = "page_size"
    ordering = "id"

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        return (getattr(view, "ordering", self.ordering),)

    def get_page_size(self, request: Any) -> int:
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if given.isascii() and given.isdigit() and len(given) < 5 and 1 <= int(given) <= LARGEST_PAGE:
            return int(given)
        raise Malformed(f"page_size must be a whole number from 1 to {LARGEST_PAGE}.")

    def decode_cursor(self, request: Any) -> Any:
        try:
            cursor = super().decode_cursor(request)
        except NotFound as unknown:
            raise Malformed("This cursor is not one of ours; follow `next` and `previous` as they are.") from unknown
        if cursor is not None and cursor.position is not None and not self._is_position(str(cursor.position)):
            raise Malformed("This cursor is not one of ours; follow `next` and `previous` as they are.")
        return cursor

    @staticmethod
    def _is_position(position: str) -> bool:
        return position.isascii() and position.isdigit() and len(position) < 19

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }
