"""What agents said of themselves, event by event."""

from django.db import models

from agents.health import ActivityEvent
from agents.models.agent import Agent


class Activity(models.Model):
    """One reported event. Tasks and missions are plain ids and keys: this room does not know their tables.

    A key without an id is what the agent named and nobody knows.
    """

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="activities")
    event = models.CharField(max_length=20, choices=ActivityEvent.choices)
    context = models.JSONField(default=dict)
    session = models.CharField(max_length=200, blank=True)
    mission_id = models.BigIntegerField(null=True)
    mission_key = models.CharField(max_length=100, blank=True)
    task_id = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "activities"
        indexes = [
            models.Index(fields=["agent", "id"], name="activity_of_agent"),
            models.Index(fields=["at"], name="activity_at"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.event}"
