"""Notifications in the admin: who is told what and where, what became of it, and what an admin does about it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin.people import AdminsOnly
from accounts.auth import actor_of
from accounts.models import Delivery, Endpoint
from accounts.services import keeping_notifications as keeping
from accounts.services import sending_notifications as sending
from coordinator.lib.admin import chip

LOOKS = {"waiting": "queued", "delivered": "completed", "skipped": "cancelled"}
"""The status whose chip a delivery's state looks like."""


@admin.register(Endpoint)
class EndpointAdmin(AdminsOnly):
    """Made by their owners on their page or over the API; an admin pauses, resumes and tests them."""

    fields = (
        "endpoint_id", "owner", "kind", "where", "topics", "state", "paused_because", "failures", "failing_since",
        "due_at", "created_at", "updated_at",
    )  # fmt: skip
    list_display = ("endpoint_id", "owner", "kind", "where", "shown_topics", "state_chip", "waiting", "failing_since")
    list_filter = ("state", "kind")
    search_fields = ("endpoint_id", "owner__email", "topics")
    ordering = ("-pk",)
    actions = ("pause", "resume", "test")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return Endpoint.objects.select_related("owner").counting_waiting()

    @admin.display(description="Address")
    def where(self, row: Endpoint) -> str:
        return row.shown_address

    @admin.display(description="Topics")
    def shown_topics(self, row: Endpoint) -> str:
        return ", ".join(row.topics)[:100]

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Endpoint) -> str:
        failing = row.state == Endpoint.State.ACTIVE and row.failures
        return chip("warning", f"Failing, {row.failures} times") if failing else chip(row.state)

    @admin.display(description="Waiting", ordering="waiting")
    def waiting(self, row: Endpoint) -> int:
        return int(getattr(row, "waiting", 0))

    @admin.action(description="Pause the chosen notifications", permissions=["write"])
    def pause(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> HttpResponse | None:
        actor, now, why = actor_of(request), timezone.now(), "Paused by an admin."
        return self.each(request, rows, lambda row: keeping.pause(row, actor=actor, now=now, because=why), "{} paused.")

    @admin.action(description="Resume the chosen notifications", permissions=["write"])
    def resume(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        return self.each(request, rows, lambda row: keeping.resume(row, actor=actor, now=now), "{} resumed.")

    @admin.action(description="Send a test to the chosen notifications", permissions=["write"])
    def test(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        return self.each(request, rows, lambda row: sending.test(row, actor=actor, now=now), "{} tests on their way.")


@admin.register(Delivery)
class DeliveryAdmin(AdminsOnly):
    """What was sent and what waits; never changed here, only sent again or skipped."""

    fields = (
        "endpoint", "entry", "message_id", "topic", "event", "at", "state", "attempts", "attempted_at", "delivered_at",
        "status", "took_ms", "answer", "created_at",
    )  # fmt: skip
    list_display = ("id", "endpoint", "owner", "event", "topic", "state_chip", "attempts", "status", "attempted_at")
    list_select_related = ("endpoint__owner",)
    list_filter = ("state", "endpoint__kind")
    search_fields = ("endpoint__endpoint_id", "endpoint__owner__email", "event")
    ordering = ("-pk",)
    actions = ("resend", "skip")

    @admin.display(description="Owner")
    def owner(self, row: Delivery) -> str:
        return row.endpoint.owner.email

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Delivery) -> str:
        return chip(LOOKS.get(row.state, row.state), row.get_state_display())

    @admin.action(description="Send the chosen deliveries again", permissions=["write"])
    def resend(self, request: HttpRequest, rows: QuerySet[Delivery]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        told = rows.select_related("endpoint__owner")
        return self.each(request, told, lambda row: sending.resend(row, actor=actor, now=now), "{} go out again.")

    @admin.action(description="Skip the chosen deliveries", permissions=["write"])
    def skip(self, request: HttpRequest, rows: QuerySet[Delivery]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        told = rows.select_related("endpoint__owner")
        return self.each(request, told, lambda row: sending.skip(row, actor=actor, now=now), "{} skipped.")
