"""Worker hosts: which queue of which machine was seen at work, and when."""

from datetime import datetime
from typing import Self

from django.db import models


class WorkerHostQuerySet(models.QuerySet["WorkerHost"]):
    def seen_since(self, moment: datetime) -> Self:
        return self.filter(beat_at__gte=moment)


class WorkerHost(models.Model):
    """One queue's processes on one machine; `beat_at` is moved by whoever does the work, never by a bystander."""

    name = models.CharField(max_length=220, primary_key=True, help_text="`machine/queue`.")
    queue = models.CharField(max_length=32)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    objects = WorkerHostQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
