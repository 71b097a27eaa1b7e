"""Reports: what an agent filed on its task, with its log lines."""

from hashlib import sha256

from django.conf import settings
from django.db import models

from agents.models import Agent
from missions.models.task import Task
from traceability import canonical


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

    @property
    def logs_sha256(self) -> str:
        """The digest of the log lines, as `task.reported` keeps it; empty without lines."""
        return sha256(canonical.write(self.logs).encode()).hexdigest() if self.logs else ""

    def __str__(self) -> str:
        return f"report {self.pk}"
