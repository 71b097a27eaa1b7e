"""Approvals: held actions that wait for a person's word."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from coordinator.lib.refs import Ref, Subject
from policies.vocabulary import ApprovalState


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def pending(self) -> Self:
        return self.filter(state=ApprovalState.PENDING)

    def overdue(self, now: datetime) -> Self:
        """Pending, with a deadline that has passed."""
        return self.pending().filter(expires_at__lte=now)

    def of_action(self, digest: str) -> Self:
        """Everything ever asked about this very action, the latest first."""
        return self.filter(digest=digest).order_by("-pk")


class Approval(models.Model):
    """Bound to one exact action by `digest`. Only a person decides it, once, and never the one who asked."""

    digest = models.CharField(max_length=64, editable=False)
    point = models.CharField(max_length=32)
    action_type = models.CharField(max_length=64)
    action = models.JSONField()
    summary = models.CharField(max_length=300)
    reason = models.TextField()
    policies = models.JSONField(default=list)
    mission_id = models.BigIntegerField(null=True)
    mission_key = models.CharField(max_length=100, blank=True)
    task_id = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=100, blank=True)
    agent_id = models.BigIntegerField(null=True)
    agent_key = models.CharField(max_length=100, blank=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="approvals_requested"
    )
    requester_name = models.CharField(max_length=254)
    remark = models.TextField(blank=True, help_text="What the requester said with it.")
    state = models.CharField(max_length=16, choices=ApprovalState.choices(), default=ApprovalState.PENDING)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField("deadline")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="approvals_decided"
    )
    comment = models.TextField(blank=True)
    consumed_at = models.DateTimeField(null=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ApprovalState.words()), name="approval_state_is_one_of_the_table"
            ),
            models.CheckConstraint(
                condition=Q(state=ApprovalState.PENDING, decided_at=None)
                | (~Q(state=ApprovalState.PENDING) & Q(decided_at__isnull=False)),
                name="an_approval_is_decided_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(requester=None) | ~Q(decided_by=F("requester")),
                name="nobody_approves_their_own_request",
            ),
            models.CheckConstraint(
                condition=Q(consumed_at=None) | Q(state=ApprovalState.APPROVED),
                name="only_what_was_approved_is_used",
            ),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(state=ApprovalState.PENDING), name="an_action_waits_for_one_approval"
            ),
        ]
        indexes = [
            models.Index(fields=["digest", "id"], name="approval_digest"),
            models.Index(fields=["state", "expires_at"], name="approval_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.summary}"

    @property
    def version(self) -> int:
        """1 while it waits, 2 when it is decided; the use of a grant adds one."""
        return 1 + (self.decided_at is not None) + (self.consumed_at is not None)

    @property
    def mission(self) -> Ref | None:
        return None if self.mission_id is None else Ref(self.mission_id, self.mission_key)

    @property
    def task(self) -> Ref | None:
        return None if self.task_id is None else Ref(self.task_id, self.task_key)

    @property
    def agent(self) -> Ref | None:
        return None if self.agent_id is None else Ref(self.agent_id, self.agent_key)

    @property
    def subject(self) -> Subject | None:
        """The task that it is about, else the mission, else the agent."""
        refs = (("task", self.task), ("mission", self.mission), ("agent", self.agent))
        return next((Subject(noun, ref.id, ref.key) for noun, ref in refs if ref is not None), None)
