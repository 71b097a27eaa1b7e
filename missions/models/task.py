"""Tasks: units of work, what they wait for, what they serve, and how they were reviewed."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from agents.models import Agent
from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models.mission import Mission
from sprints.models import Sprint
from traceability.models import Requirement


class TaskQuerySet(ResourceQuerySet["Task"]):
    def waiting(self) -> Self:
        """Tasks with a dependency that is not completed."""
        unmet = Dependency.objects.filter(task=OuterRef("pk")).exclude(needs__status=TaskStatus.COMPLETED)
        return self.filter(Exists(unmet))

    def ready(self) -> Self:
        """Pending, of an active mission, every dependency completed, unclaimed."""
        unmet = Dependency.objects.filter(task=OuterRef("pk")).exclude(needs__status=TaskStatus.COMPLETED)
        return self.filter(
            ~Exists(unmet), status=TaskStatus.PENDING, mission__status=MissionStatus.ACTIVE, claim__isnull=True
        )

    def assigned_to(self, agent_id: int) -> Self:
        return self.filter(agent_id=agent_id)

    def overdue(self, now: datetime) -> Self:
        return self.filter(due_at__lt=now).exclude(status__in=[TaskStatus.COMPLETED, TaskStatus.FAILED])

    def of_requirement(self, requirement: Requirement) -> Self:
        return self.filter(requirement_links__requirement=requirement)

    def shown(self) -> Self:
        """With everything that an answer shows, in a fixed number of statements."""
        return self.select_related("mission", "sprint", "agent", "claim__agent").prefetch_related(
            "depends_on", "requirements"
        )


class Task(Resource):
    KEY = "task_id"

    class Priority(models.IntegerChoices):
        LOW = 0
        NORMAL = 1
        HIGH = 2
        URGENT = 3

    task_id = PublicKeyField(prefix="task")
    mission = models.ForeignKey(Mission, on_delete=models.PROTECT, related_name="tasks")
    sprint = models.ForeignKey(Sprint, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    agent = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    objective = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=TaskStatus.choices, default=TaskStatus.PENDING)
    status_since = models.DateTimeField(editable=False)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    acceptance_criteria = models.JSONField(default=list, blank=True)
    required_capabilities = models.JSONField(default=list, blank=True)
    budget_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    review_required = models.BooleanField(null=True, blank=True, help_text="Empty: as the mission says.")
    outputs = models.JSONField(default=dict, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    fence = models.PositiveIntegerField(default=0, editable=False, help_text="How often it was claimed.")
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=0, editable=False)
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="tasks_reported"
    )
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    depends_on = models.ManyToManyField(
        "self", through="Dependency", through_fields=("task", "needs"), symmetrical=False, related_name="unblocks"
    )
    requirements = models.ManyToManyField(Requirement, through="RequirementLink", related_name="tasks")

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="task_status_is_one_of_the_table"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="task_percent_is_at_most_100"),
            models.CheckConstraint(condition=Q(priority__lte=3), name="task_priority_is_0_to_3"),
        ]
        indexes = [
            models.Index(fields=["mission", "status", "id"], name="task_of_mission"),
            models.Index(fields=["status", "id"], name="task_status"),
            models.Index(fields=["agent", "status"], name="task_of_agent", condition=Q(agent__isnull=False)),
            models.Index(fields=["sprint", "status"], name="task_of_sprint", condition=Q(sprint__isnull=False)),
        ]

    @property
    def needs_review(self) -> bool:
        """Its own word, else its mission's; needs the mission loaded."""
        return self.mission.review_required if self.review_required is None else self.review_required


class Dependency(models.Model):
    """`task` waits for `needs`. The graph has no cycle: the service checks under a lock, the database too."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="dependencies")
    needs = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="dependents")

    class Meta:
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(fields=["task", "needs"], name="a_dependency_is_named_once"),
            models.CheckConstraint(condition=~Q(task=F("needs")), name="a_task_does_not_wait_for_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} needs {self.needs_id}"


class RequirementLink(models.Model):
    """A task serves a requirement, as that requirement was worded at `revision`."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="requirement_links")
    requirement = models.ForeignKey(Requirement, on_delete=models.PROTECT, related_name="links")
    revision = models.PositiveIntegerField()
    linked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "requirement"], name="a_task_serves_a_requirement_once")]

    def __str__(self) -> str:
        return f"{self.task_id} serves {self.requirement_id}"


class Review(models.Model):
    """A verdict on work that was reported as done."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reviews")
    approved = models.BooleanField()
    comment = models.TextField(blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{'approved' if self.approved else 'rejected'} on {self.at:%Y-%m-%d}"
