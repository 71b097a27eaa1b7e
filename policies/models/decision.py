"""The decision log: what was asked, what the policies said, and everything that they were told."""

from functools import cached_property
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from policies.models.approval import Approval
from policies.vocabulary import Outcome
from traceability import canonical


class DecisionQuerySet(models.QuerySet["Decision"]):
    def by_policy(self, policy_id: int) -> Self:
        """Those in which this policy matched, whether it bound or not."""
        return self.filter(policies__contains=[policy_id])


class Decision(models.Model):
    """Append-only. Ids are plain numbers: the log outlives what it tells of.

    `input` is the canonical text of all that was judged, secrets masked; `input_hash` is its SHA-256.
    """

    at = models.DateTimeField()
    point = models.CharField(max_length=32)
    action_type = models.CharField(max_length=64)
    mission_id = models.BigIntegerField(null=True)
    mission_key = models.CharField(max_length=100, blank=True)
    task_id = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=100, blank=True)
    agent_id = models.BigIntegerField(null=True)
    agent_key = models.CharField(max_length=100, blank=True)
    actor_kind = models.CharField(max_length=8)
    actor_name = models.CharField(max_length=254)
    outcome = models.CharField(max_length=16, choices=Outcome.choices())
    matched = models.JSONField(default=list)
    policies = ArrayField(models.BigIntegerField(), default=list)
    input = models.TextField()
    input_hash = models.CharField("SHA-256 of the input", max_length=64)
    bundle_hash = models.CharField("hash of the policies in force", max_length=64)
    approval = models.ForeignKey(Approval, null=True, on_delete=models.PROTECT, related_name="decisions")
    duration_us = models.PositiveIntegerField("duration in microseconds")

    version: ClassVar[int] = 1
    """What was decided never changes."""

    objects = DecisionQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex(fields=["policies"], name="decision_policies"),
            models.Index(fields=["outcome", "id"], name="decision_outcome"),
            models.Index(fields=["mission_id", "id"], name="decision_mission"),
            models.Index(fields=["task_id", "id"], name="decision_task"),
            models.Index(fields=["agent_id", "id"], name="decision_agent"),
            models.Index(fields=["agent_id", "at"], name="decision_of_agent_at"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.action_type}"

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The input, read: action, facts, subjects, actor, point and time."""
        found: dict[str, Any] = canonical.read(self.input)
        return found
