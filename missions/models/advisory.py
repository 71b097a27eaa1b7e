"""Advisories: what the coordinator advises. Each opens once for its cause and resolves when the cause is gone."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models

from agents.models import Agent
from coordinator.lib.refs import Subject
from missions.models.mission import Mission
from missions.models.task import Task


class AdvisoryQuerySet(models.QuerySet["Advisory"]):
    def open(self) -> Self:
        return self.filter(resolved_at__isnull=True)

    def awake(self, now: datetime) -> Self:
        """Those that nobody has put off until later."""
        return self.exclude(snoozed_until__gt=now)

    def about(self, task: Task) -> Self:
        """Those of the task itself, and those of its mission as a whole."""
        whole = models.Q(mission=task.mission_id, task__isnull=True, agent__isnull=True)
        return self.filter(models.Q(task=task) | whole)


class Advisory(models.Model):
    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        CRITICAL = "critical"

    cause = models.CharField(max_length=200, help_text="What it is about, for instance `budget-80:mission:7`.")
    kind = models.CharField(max_length=32)
    severity = models.CharField(max_length=16, choices=Severity.choices)
    message = models.CharField(max_length=500)
    evidence = models.JSONField(default=dict)
    mission = models.ForeignKey(Mission, null=True, on_delete=models.PROTECT, related_name="advisories")
    task = models.ForeignKey(Task, null=True, on_delete=models.PROTECT, related_name="advisories")
    agent = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="advisories")
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="advisories_acknowledged"
    )
    snoozed_until = models.DateTimeField(null=True)
    snoozes = models.PositiveIntegerField(default=0, help_text="How often it was put off or taken up again.")

    objects = AdvisoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "advisories"
        constraints = [
            models.UniqueConstraint(
                fields=["cause"],
                condition=models.Q(resolved_at__isnull=True),
                name="an_advisory_is_open_once_for_its_cause",
            )
        ]
        indexes = [
            models.Index(fields=["mission", "resolved_at"], name="advisory_of_mission"),
            models.Index(fields=["cause", "-id"], name="advisory_of_cause"),
        ]

    def __str__(self) -> str:
        return self.message

    @property
    def named(self) -> dict[str, Any]:
        """How history names what it is about; needs mission, task and agent loaded."""
        about = {noun: row and row.ref for noun in ("mission", "task", "agent") for row in [getattr(self, noun)]}
        return {**about, "subject": Subject("advisory", self.pk, self.cause)}

    @property
    def version(self) -> int:
        """1 when it is opened; being seen adds one, being put off or taken up again too, and so does being resolved."""
        return 1 + (self.acknowledged_at is not None) + self.snoozes + (self.resolved_at is not None)
