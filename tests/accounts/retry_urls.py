"""Addresses for the tests of `Idempotency-Key`: one counts, one fails after it has written, one streams."""

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import managing_people
from coordinator.lib.views import Endpoint


class Counting(Endpoint):
    scopes = {"add": "tasks:write"}

    def add(self, request: Request) -> HttpResponseBase:
        user = managing_people.create_account(
            email=self.unwrapped()["email"], role=None, actor=self.actor, now=timezone.now()
        )
        return Response({"id": user.pk}, status=201, headers={"ETag": '"1"', "Location": f"/api/{user.pk}"})


class Failing(Counting):
    def add(self, request: Request) -> HttpResponseBase:
        super().add(request)
        raise RuntimeError("after the change")


class Streaming(Endpoint):
    scopes = {"add": ""}

    def add(self, request: Request) -> HttpResponseBase:
        return StreamingHttpResponse(iter([b"{}"]), content_type="application/json")


urlpatterns = [
    path("api/count", Counting.as_view({"post": "add"})),
    path("api/other", Counting.as_view({"post": "add"})),
    path("api/fail", Failing.as_view({"post": "add"})),
    path("api/stream-out", Streaming.as_view({"post": "add"})),
]
