"""Sprints: time boxes. Tasks point at them, never the reverse."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from coordinator.lib.refs import Subject
from sprints.lifecycle import SprintStatus

__all__ = ["Sprint", "SprintQuerySet", "SprintStatus"]


class SprintQuerySet(ResourceQuerySet["Sprint"]):
    def active(self) -> Self:
        return self.filter(status=SprintStatus.ACTIVE)

    def completed(self) -> Self:
        return self.filter(status=SprintStatus.COMPLETED)

    def latest_completed(self, count: int) -> Self:
        """The `count` sprints completed last, the latest first."""
        return self.completed().order_by("-completed_at", "-pk")[:count]


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
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="a_sprint_ends_after_it_starts",
                violation_error_message="A sprint ends on or after its start.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=SprintStatus.values), name="sprint_status_is_one_of_the_table"
            ),
            models.CheckConstraint(
                condition=Q(status=SprintStatus.PLANNED, started_at__isnull=True)
                | Q(status__in=[SprintStatus.ACTIVE, SprintStatus.COMPLETED], started_at__isnull=False),
                name="a_sprint_that_began_says_when",
            ),
            models.CheckConstraint(
                condition=Q(status=SprintStatus.COMPLETED, completed_at__isnull=False)
                | Q(status__in=[SprintStatus.PLANNED, SprintStatus.ACTIVE], completed_at__isnull=True),
                name="a_sprint_that_ended_says_when",
            ),
        ]

    @property
    def days(self) -> int:
        """How many days it lasts, the first and the last included."""
        return (self.end_date - self.start_date).days + 1

    @property
    def subject(self) -> Subject:
        """How history names it."""
        return Subject("sprint", self.pk, self.key)
