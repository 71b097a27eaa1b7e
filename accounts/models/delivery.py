"""What is to be sent to an endpoint: one row for each entry of the ledger, kept with how its sending went."""

from datetime import datetime
from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        """Those of entries that are still to be sent; a test waits for nobody and keeps nobody waiting."""
        return self.filter(state=Delivery.State.WAITING, entry__isnull=False)

    def in_turn(self) -> Self:
        """In the order in which they are sent: the entries by their ids."""
        return self.order_by("entry")

    def settled_before(self, moment: datetime) -> Self:
        """Those that nothing more becomes of, made before that moment: what is sent or given up, and every test."""
        ended = ~Q(state=Delivery.State.WAITING) | Q(entry__isnull=True)
        return self.filter(ended, created_at__lt=moment)


class Delivery(models.Model):
    """One message. `message` is its name for the receiver, the same however often it is sent; a test has no `entry`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        SKIPPED = "skipped"
        FAILED = "failed"

    endpoint = models.ForeignKey("accounts.Endpoint", on_delete=models.CASCADE, related_name="deliveries")
    entry = models.BigIntegerField(null=True)
    message = models.UUIDField(default=uuid4, unique=True)
    topic = models.CharField(max_length=110)
    event = models.CharField(max_length=64)
    at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=1024, blank=True)
    created_at = models.DateTimeField()

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "entry"], name="an_endpoint_is_told_an_entry_once")]
        indexes = [
            models.Index(fields=["endpoint", "entry"], name="delivery_waiting", condition=Q(state="waiting")),
            models.Index(fields=["endpoint", "-id"], name="delivery_latest"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def is_test(self) -> bool:
        return self.entry is None

    @property
    def message_id(self) -> str:
        """The `webhook-id` that it is sent with."""
        return f"msg_{self.message.hex}"


class LedgerCursor(models.Model):
    """How far a durable reader of the ledger has come: every entry up to `last` was dealt with."""

    name = models.CharField(max_length=40, primary_key=True)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.last}"
