"""Executions: one run of a task by its agent's adapter."""

from django.db import models

from agents.models import Agent
from missions.models.mission import Mission
from missions.models.task import Task


class Execution(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN = (State.QUEUED, State.RUNNING)

    mission = models.ForeignKey(Mission, on_delete=models.PROTECT, related_name="executions")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="executions")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="executions")
    adapter = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    host = models.CharField(max_length=200, blank=True)
    process_group = models.IntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    prompt = models.TextField(blank=True)
    output = models.TextField(blank=True)
    failure = models.CharField(max_length=32, blank=True)
    failure_detail = models.TextField(blank=True)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(state__in=["queued", "running"]), name="a_task_runs_once_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["task", "id"], name="execution_of_task")]

    def __str__(self) -> str:
        return f"execution {self.pk} of {self.task_id}"
