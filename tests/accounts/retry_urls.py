"""Addresses for the tests of `Idempotency-Key`: one counts, one fails after it has written, one streams."""

import psycopg
from django.db import connection
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import managing_people
from coordinator.lib.views import Endpoint
from traceability import hints


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


class Severed(Counting):
    def add(self, request: Request) -> HttpResponseBase:
        response = super().add(request)
        sever()
        return response


def sever() -> None:
    """Ends this thread's connection to the database, as a restart of the server does."""
    with psycopg.connect(**hints.parameters(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


class SeveredAtCommit(Endpoint):
    scopes = {"add": ""}

    def add(self, request: Request) -> HttpResponseBase:
        sever()
        return StreamingHttpResponse(iter([b"{}"]), content_type="application/json")


class Outward(Counting):
    """Says whether a transaction is open around it; fails when it is told to."""

    outward = frozenset({"add"})

    def add(self, request: Request) -> HttpResponseBase:
        if self.unwrapped()["email"] == "fail":
            raise RuntimeError("on the way")
        inside = connection.in_atomic_block
        return Response({**getattr(super().add(request), "data", {}), "in_transaction": inside}, status=201)


class Streaming(Endpoint):
    scopes = {"add": ""}

    def add(self, request: Request) -> HttpResponseBase:
        return StreamingHttpResponse(iter([b"{}"]), content_type="application/json")


urlpatterns = [
    path("api/severed", Severed.as_view({"post": "add"})),
    path("api/severed-at-commit", SeveredAtCommit.as_view({"post": "add"})),
    path("api/outward", Outward.as_view({"post": "add"})),
    path("api/count", Counting.as_view({"post": "add"})),
    path("api/other", Counting.as_view({"post": "add"})),
    path("api/fail", Failing.as_view({"post": "add"})),
    path("api/stream-out", Streaming.as_view({"post": "add"})),
]
