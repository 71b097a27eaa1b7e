"""Sprints: time boxes. Tasks point at them, never the reverse."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet


class SprintStatus(models.TextChoices):
    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"


class SprintQuerySet(ResourceQuerySet["Sprint"]):
    def active(self) -> Self:
        return self.filter(status=SprintStatus.ACTIVE)

    def completed(self) -> Self:
        return self.filter(status=SprintStatus.COMPLETED)


class Sprint(Resource):
    KEY = "sprint_id"

    sprint_id = PublicKeyField(prefix="sprint")
    name = models.CharField(max_length=200)
    goal = models.TextField(blank=True)
    start_date = models.DateField()
    end_date = models.DateField()
    status = models.CharField(max_length=16, choices=SprintStatus.choices, default=SprintStatus.PLANNED)
    started_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = SprintQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="a_sprint_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(status__in=SprintStatus.values), name="sprint_status_is_one_of_the_table"
            ),
        ]
