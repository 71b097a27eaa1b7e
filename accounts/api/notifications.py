"""Notifications over the API: where somebody is told, of what, and what became of each message."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import notification_serializers as shapes
from accounts.models import Delivery, Endpoint
from accounts.services import keeping_notifications as keeping
from accounts.services import sending_notifications as sending
from coordinator.lib.filters import Choice
from coordinator.lib.models import numbered
from coordinator.lib.permissions import SignedIn
from coordinator.lib.views import Lists, ResourceView, Shows


class NotificationView(Lists, Shows, ResourceView):
    """Where the caller is told: webhooks, Slack channels, the own mailbox. An admin's view holds everybody's."""

    resource = "notification"
    serializer_class = shapes.EndpointShape
    queryset = Endpoint.objects.select_related("owner").counting_waiting()
    filters = {"kind": Choice("kind", Endpoint.Kind), "state": Choice("state", Endpoint.State)}
    permission_classes = [SignedIn]
    scopes = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "destroy", "pause", "resume", "test", "rotate"), ""
    )

    def get_queryset(self) -> QuerySet[Endpoint]:
        rows = super().get_queryset()
        return rows if _sees_all(self.request) else rows.filter(owner=self.request.user)

    @extend_schema(request=shapes.NewEndpoint, responses={201: shapes.EndpointWithSecret})
    def create(self, request: Request) -> Response:
        """Tells the caller from now on. It hears what this credential may read: a token's, while the token lives."""
        fields: dict[str, Any] = self.body(shapes.NewEndpoint)
        endpoint = keeping.create(**fields, by=self.credential, actor=self.actor, now=self.now)
        return self.with_secret(endpoint, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.EndpointChanges, responses=shapes.EndpointShape)
    def partial_update(self, request: Request, key: str) -> Response:
        """Another address or other topics. Saved by its owner, it hears what this credential may read."""
        endpoint, fields = self.row(), self.body(shapes.EndpointChanges)
        return self.fresh(keeping.revise(endpoint, **fields, by=self.credential, **self.told))

    def destroy(self, request: Request, key: str) -> Response:
        """Ends it, and what still waited to be sent with it."""
        keeping.remove(self.row(), **self.told)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=shapes.NothingMore, responses=shapes.EndpointShape)
    def pause(self, request: Request, key: str) -> Response:
        """Sends nothing more for now; what happens meanwhile waits."""
        self.body(shapes.NothingMore)
        return self.fresh(keeping.pause(self.row(), **self.told))

    @extend_schema(request=shapes.NothingMore, responses=shapes.EndpointShape)
    def resume(self, request: Request, key: str) -> Response:
        """Sends on, what waited first; one that fails is tried at once."""
        self.body(shapes.NothingMore)
        return self.fresh(keeping.resume(self.row(), **self.told))

    @extend_schema(request=shapes.NothingMore, responses={202: shapes.DeliveryShape})
    def test(self, request: Request, key: str) -> Response:
        """Sends a message that says that it is a test, once; the delivery tells how it went."""
        self.body(shapes.NothingMore)
        delivery = sending.test(self.row(), actor=self.actor, now=self.now)
        return Response(shapes.DeliveryShape(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=shapes.NothingMore, responses=shapes.EndpointWithSecret)
    def rotate(self, request: Request, key: str) -> Response:
        """A new secret; for 24 hours messages carry the signatures of both."""
        self.body(shapes.NothingMore)
        return self.with_secret(keeping.rotate(self.row(), **self.told), status.HTTP_200_OK)

    def with_secret(self, endpoint: Endpoint, code: int) -> Response:
        """The endpoint and its secret; an answer repeated for an `Idempotency-Key` has null in its place."""
        response = self.fresh(endpoint, code)
        shape = response.data
        response.data = {**shape, "secret": keeping.secret_of(endpoint)}
        response.replay = {**shape, "secret": None}  # type: ignore[attr-defined]
        return response

    @property
    def credential(self) -> Any:
        return self.request.auth

    @property
    def told(self) -> dict[str, Any]:
        """Who changes which version, and when."""
        return {"expected": self.expected, "actor": self.actor, "now": self.now}


class DeliveriesView(Lists, ResourceView):
    """What was sent to one endpoint, or waits to be: the latest first."""

    serializer_class = shapes.DeliveryShape
    queryset = Delivery.objects.select_related("endpoint")
    filters = {"state": Choice("state", Delivery.State)}
    ordering = "-id"
    permission_classes = [SignedIn]
    scopes = {"list": ""}

    def get_queryset(self) -> QuerySet[Delivery]:
        seen = Endpoint.objects.all() if _sees_all(self.request) else Endpoint.objects.filter(owner=self.request.user)
        return super().get_queryset().filter(endpoint=seen.identified(self.kwargs["key"]))


class DeliveryView(ResourceView):
    """One message to one endpoint."""

    serializer_class = shapes.DeliveryShape
    queryset = Delivery.objects.select_related("endpoint__owner")
    permission_classes = [SignedIn]
    scopes = {"retrieve": "", "resend": "", "skip": ""}

    def get_queryset(self) -> QuerySet[Delivery]:
        rows = super().get_queryset()
        return rows if _sees_all(self.request) else rows.filter(endpoint__owner=self.request.user)

    def retrieve(self, request: Request, key: str) -> Response:
        """One message and how its sending went, by its id."""
        return self._shown(self._delivery())

    @extend_schema(request=shapes.NothingMore, responses={202: shapes.DeliveryShape})
    def resend(self, request: Request, key: str) -> Response:
        """Puts it back among those that wait, under the same message id. Of a test: 422."""
        self.body(shapes.NothingMore)
        return self._shown(sending.resend(self._delivery(), actor=self.actor, now=self.now), status.HTTP_202_ACCEPTED)

    @extend_schema(request=shapes.NothingMore, responses=shapes.DeliveryShape)
    def skip(self, request: Request, key: str) -> Response:
        """Gives up one that waits, so that those after it are sent. One that does not wait: 422."""
        self.body(shapes.NothingMore)
        return self._shown(sending.skip(self._delivery(), actor=self.actor, now=self.now))

    def _delivery(self) -> Delivery:
        found: Delivery = numbered(self.get_queryset(), self.kwargs["key"])
        return found

    def _shown(self, delivery: Delivery, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(delivery).data, status=code)


def _sees_all(request: Request) -> bool:
    return "accounts:admin" in getattr(request.auth, "scopes", ())
