"""Agents: who works, what they can do, how they are, and when they were last heard."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models

from agents.health import SILENCE_ENDS, AgentStatus, HealthState
from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet


class AgentQuerySet(ResourceQuerySet["Agent"]):
    def silent_since(self, moment: datetime) -> Self:
        """Heard before, not since, and in a status that should be heard of."""
        return self.filter(status__in=SILENCE_ENDS, last_seen_at__lt=moment)

    def capable_of(self, capability: str) -> Self:
        return self.filter(capabilities__contains=[capability])


class Agent(Resource):
    """`current_task_*` and the totals are kept by services; secrets are names of environment variables only."""

    KEY = "agent_id"

    class Adapter(models.TextChoices):
        NONE = "", "none"
        CLAUDE_CODE = "claude_code"
        OPENAI = "openai"
        CLAUDE_CLI = "claude_cli"

    agent_id = PublicKeyField(prefix="agent")
    name = models.CharField(max_length=200)
    adapter_module = models.CharField(max_length=32, choices=Adapter.choices, blank=True, default=Adapter.NONE)
    adapter_config = models.JSONField(default=dict, blank=True)
    capabilities = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=16, choices=AgentStatus.choices, default=AgentStatus.IDLE)
    status_since = models.DateTimeField(editable=False)
    status_reason = models.CharField(max_length=500, blank=True, editable=False)
    cost_per_mtok = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    current_task_id = models.BigIntegerField(null=True, editable=False)
    current_task_key = models.CharField(max_length=100, blank=True, editable=False)
    service_account = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="agent"
    )
    health_state = models.CharField(
        max_length=16, choices=HealthState.choices, default=HealthState.UNKNOWN, editable=False
    )
    health_reason = models.CharField(max_length=500, blank=True, editable=False)
    health_since = models.DateTimeField(null=True, editable=False)
    health_checked_at = models.DateTimeField(null=True, editable=False)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=0, editable=False)
    tokens = models.BigIntegerField(default=0, editable=False)

    objects = AgentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=AgentStatus.values), name="agent_status_is_one_of_the_table"
            )
        ]
        indexes = [models.Index(fields=["status", "last_seen_at"], name="agent_status_seen")]

    @property
    def health(self) -> dict[str, object]:
        """The health record: state, reason, since when, and when it was last checked."""
        return {
            "state": self.health_state,
            "reason": self.health_reason,
            "since": self.health_since,
            "checked_at": self.health_checked_at,
        }

    @property
    def current_task(self) -> str | None:
        return self.current_task_key or None
