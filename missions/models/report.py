"""Reports: what an agent filed on its task, with its log lines."""

from django.conf import settings
from django.db import models

from agents.models import Agent
from missions.models.task import Task


class Report(models.Model):
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reports")
    agent = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="reports")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports")
    status = models.CharField(max_length=16, blank=True)
    percent = models.PositiveSmallIntegerField(null=True)
    outputs = models.JSONField(default=dict)
    logs = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="report_of_task")]

    def __str__(self) -> str:
        return f"report {self.pk}"
