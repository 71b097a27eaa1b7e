"""Requirements: what must be true, at which revision. Tasks link to a revision, so that a change shows."""

import hashlib
from typing import Self

from django.db import models

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from coordinator.lib.refs import Subject
from traceability import canonical
from traceability.models.objective import KeyResult


class RequirementStatus(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    OBSOLETE = "obsolete"


class RequirementQuerySet(ResourceQuerySet["Requirement"]):
    def shown(self) -> Self:
        """With its key result, in one statement."""
        return self.select_related("key_result")

    def with_tasks(self) -> Self:
        return self.filter(pk__in=self.model.objects.filter(links__isnull=False).values("pk"))

    def without_tasks(self) -> Self:
        return self.filter(links__isnull=True)


class Requirement(Resource):
    KEY = "requirement_id"

    class Priority(models.TextChoices):
        P0 = "p0"
        P1 = "p1"
        P2 = "p2"
        P3 = "p3"

    class Horizon(models.TextChoices):
        H1 = "h1"
        H2 = "h2"
        H3 = "h3"

    requirement_id = PublicKeyField(prefix="requirement")
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    key_result = models.ForeignKey(
        KeyResult, null=True, blank=True, on_delete=models.PROTECT, related_name="requirements"
    )
    priority = models.CharField(max_length=2, choices=Priority.choices, default=Priority.P2)
    horizon = models.CharField(max_length=2, choices=Horizon.choices, default=Horizon.H1)
    status = models.CharField(max_length=16, choices=RequirementStatus.choices, default=RequirementStatus.DRAFT)
    revision = models.PositiveIntegerField(default=1, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False)

    objects = RequirementQuerySet.as_manager()

    @property
    def subject(self) -> Subject:
        """How history names it."""
        return Subject("requirement", self.pk, self.key)

    @staticmethod
    def fingerprint_of(*, title: str, description: str) -> str:
        """SHA-256 over what the requirement says; a change of it is a new revision."""
        return hashlib.sha256(canonical.write({"title": title, "description": description}).encode()).hexdigest()
