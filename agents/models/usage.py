"""Tokens and money: one row for each reported use."""

from django.db import models

from agents.models.agent import Agent


class Usage(models.Model):
    """Token classes are disjoint: `input` is what no cache served; `reasoning` is part of `output`.

    `cost_usd` is the reported cost, else the one computed from our price table, else NULL: unknown is not zero.
    A `usage_id` counts once for each agent; what names no agent has one namespace of its own.
    """

    class Source(models.TextChoices):
        REPORTED = "reported"
        COMPUTED = "computed"
        UNKNOWN = "unknown"

    usage_id = models.CharField(max_length=200, null=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="usages")
    mission_id = models.BigIntegerField(null=True)
    mission_key = models.CharField(max_length=100, blank=True)
    task_id = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=100, blank=True)
    sprint_id = models.BigIntegerField(null=True)
    model = models.CharField(max_length=200, blank=True)
    input_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost_reported_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    cost_computed_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "usage"
        constraints = [
            models.UniqueConstraint(
                fields=["agent", "usage_id"],
                condition=models.Q(usage_id__isnull=False),
                nulls_distinct=False,
                name="an_agent_reports_a_usage_once",
            )
        ]
        indexes = [
            models.Index(fields=["at"], name="usage_at"),
            models.Index(fields=["agent", "at"], name="usage_of_agent"),
            models.Index(fields=["mission_id", "at"], name="usage_of_mission"),
            models.Index(fields=["task_id"], name="usage_of_task"),
        ]

    def __str__(self) -> str:
        return f"{self.model or 'unknown model'} at {self.at}"
