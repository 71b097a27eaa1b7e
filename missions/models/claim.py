"""Claims: at most one agent holds a task, for as long as its lease lasts."""

from datetime import datetime
from typing import Self

from django.db import models

from agents.models import Agent
from missions.models.task import Task


class ClaimQuerySet(models.QuerySet["Claim"]):
    def expired(self, now: datetime) -> Self:
        return self.filter(lease_until__lte=now)


class Claim(models.Model):
    """The one lease on a task: the row is there while the task is held, and its `fence` grows with every holder."""

    task = models.OneToOneField(Task, primary_key=True, on_delete=models.PROTECT, related_name="claim")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="claims")
    fence = models.PositiveIntegerField()
    claimed_at = models.DateTimeField()
    renewed_at = models.DateTimeField()
    lease_until = models.DateTimeField()

    objects = ClaimQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["lease_until"], name="claim_lease")]

    def __str__(self) -> str:
        return f"{self.agent} holds {self.task_id}"
