"""Missions: a body of work with a goal, the people and agents in it, and the process that watches it."""

from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Q

from agents.models import Agent
from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from missions.lifecycle import MissionStatus, TaskStatus


class MissionQuerySet(ResourceQuerySet["Mission"]):
    def active(self) -> Self:
        return self.filter(status=MissionStatus.ACTIVE)

    def counted(self) -> Self:
        """With `count_<status>` and `count_all` of its tasks, in one statement."""
        counts = {f"count_{status}": Count("tasks", filter=Q(tasks__status=status)) for status in TaskStatus.values}
        return self.annotate(count_all=Count("tasks"), **counts)

    def shown(self) -> Self:
        """With everything that an answer shows, in one statement."""
        return self.counted().select_related("owner", "process")


class Mission(Resource):
    KEY = "mission_id"

    mission_id = PublicKeyField(prefix="mission")
    goal = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=MissionStatus.choices, default=MissionStatus.PLANNING)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="missions_owned"
    )
    budget_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)
    review_required = models.BooleanField(default=False)
    four_eyes = models.BooleanField(default=False)
    execution_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Runs by adapters that go on at a time; empty: the installation's setting.",
    )
    thresholds = models.JSONField(
        default=dict, blank=True, help_text="From when on its work deserves advice, where that is not as usual."
    )
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=0, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = MissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=MissionStatus.values), name="mission_status_is_one_of_the_table"
            ),
            models.CheckConstraint(
                condition=models.Q(budget_usd__isnull=True) | models.Q(budget_usd__gte=0),
                name="mission_budget_is_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(execution_limit__isnull=True) | models.Q(execution_limit__gte=1),
                name="mission_lets_at_least_one_run",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="mission_status")]

    @property
    def counts(self) -> dict[str, int]:
        """How many of its tasks stand where; needs `counted()`."""
        return {status: getattr(self, f"count_{status}") for status in TaskStatus.values}

    @property
    def progress(self) -> float:
        """The share of its tasks that is completed, 0 to 1; needs `counted()`."""
        total: int = self.count_all  # type: ignore[attr-defined]
        return round(self.counts[TaskStatus.COMPLETED] / total, 4) if total else 0.0


class Participation(models.Model):
    """An agent or a person who takes part in a mission, with a role."""

    class Role(models.TextChoices):
        LEAD = "lead"
        CONTRIBUTOR = "contributor"
        REVIEWER = "reviewer"
        OBSERVER = "observer"

    mission = models.ForeignKey(Mission, on_delete=models.PROTECT, related_name="participations")
    agent = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="participations")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="participations"
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.CONTRIBUTOR)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mission", "agent"], name="an_agent_takes_part_once"),
            models.UniqueConstraint(fields=["mission", "member"], name="a_person_takes_part_once"),
            models.CheckConstraint(
                condition=models.Q(agent__isnull=False, member__isnull=True)
                | models.Q(agent__isnull=True, member__isnull=False),
                name="a_participation_is_an_agent_or_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent or self.member}, {self.role}"
