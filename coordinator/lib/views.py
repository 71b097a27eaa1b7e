"""The base of every API view: parse, one call, shape. Each action names its scope."""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from coordinator.lib import filters as filtering
from coordinator.lib import versions
from coordinator.lib.errors import Malformed
from coordinator.lib.models import Resource
from coordinator.lib.versions import Versioned


class Body:
    """Reads bodies and shapes answers; mixed into every view."""

    resource: ClassVar[str] = ""
    scopes: ClassVar[dict[str, str]] = {}
    outward: ClassVar[frozenset[str]] = frozenset()
    """Actions that wait for other machines: no transaction may be held around them."""

    asking: ClassVar[frozenset[str]] = frozenset()
    """The actions that read the query themselves; every other one refuses whatever stands in it."""

    request: Any
    kwargs: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses a query that nobody reads. Raises Malformed."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # the view that this is mixed into has it
        if request.method == "GET" and getattr(self, "action", None) not in self.asking:
            for name in request.query_params:
                raise Malformed(f"There is no parameter {name[:50]!r} here; this takes none.")

    @property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def actor(self) -> Any:
        """The ledger's Actor of this request, made by `accounts.auth` when it recognised the caller."""
        return self.request.auth.actor_for(self.request)

    @property
    def expected(self) -> int | None:
        """The version named by `If-Match`, or None when the caller names none."""
        return versions.named_in(self.request.headers.get("If-Match", ""))

    def unwrapped(self) -> Any:
        """The request's body, taken out of `{"mission": {...}}` when it is wrapped in the resource's name."""
        data = self.request.data
        wrapped = self.resource and isinstance(data, dict) and set(data) == {self.resource}
        return data[self.resource] if wrapped and isinstance(data[self.resource], dict) else data

    def body(self, serializer: type[serializers.BaseSerializer[Any]], **options: Any) -> dict[str, Any]:
        """The validated fields. Raises ParseError (no object) or ValidationError (a field breaks a rule)."""
        data = self.unwrapped()
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        read = serializer(data=data, context={"request": self.request, "view": self}, **options)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)


class ResourceView(Body, GenericViewSet[Any]):
    """One resource's actions. `scopes` maps each action to the scope that it demands."""

    asking = frozenset({"list"})
    filters: ClassVar[dict[str, Any]] = {}
    ordering: ClassVar[str] = "id"
    lookup_field = "key"

    def row(self, rows: QuerySet[Any] | None = None, key: str = "key") -> Any:
        """The row that the path names by id or public key. Raises Missing."""
        found = self.get_queryset() if rows is None else rows
        return found.identified(self.kwargs[key])  # type: ignore[attr-defined]

    def answer(self, row: Versioned, code: int = status.HTTP_200_OK, **also: Any) -> Response:
        """The resource, flat, with its version as ETag."""
        shape = self.get_serializer_class()(row, context=self.get_serializer_context())
        return Response({**shape.data, **also}, status=code, headers={"ETag": f'"{row.version}"'})

    def fresh(self, row: Resource, code: int = status.HTTP_200_OK, **also: Any) -> Response:
        """The resource as it stands in the database now."""
        return self.answer(self.get_queryset().get(pk=row.pk), code, **also)

    def page(self, rows: QuerySet[Any]) -> Response:
        """One cursor page of the rows, narrowed by the query's filters."""
        found = self.paginate_queryset(filtering.narrow(rows, self.request.query_params, self.filters))
        return self.get_paginated_response(self.get_serializer(found, many=True).data)


class Lists:
    def list(self, request: Request, **kwargs: Any) -> Response:
        return self.page(self.get_queryset())  # type: ignore[attr-defined, no-any-return]


class Shows:
    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        return self.answer(self.row())  # type: ignore[attr-defined, no-any-return]


class Endpoint(Body, ViewSetMixin, GenericAPIView[Any]):
    """A view that is no resource: a question, a report, a command."""

    pagination_class = None
