"""The shapes of missions and tasks, in and out."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from agents.api.serializers import USAGE_SCHEMA
from agents.models import Agent
from coordinator.lib.serializers import (
    Happened,
    Instant,
    Key,
    Money,
    Naming,
    ObjectField,
    Reference,
    Strict,
    StrictModel,
    Text,
    TextList,
    Truth,
    Whole,
)
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Participation, Review, Task
from sprints.models import Sprint
from traceability.models import Requirement


class PersonReference(Naming, serializers.RelatedField[Any, Any, Any]):
    """A person named by e-mail or integer id; answered as their e-mail."""

    def to_internal_value(self, data: Any) -> User:
        if isinstance(data, bool) or not isinstance(data, (str, int)):
            raise serializers.ValidationError("Name the person by e-mail or integer id.")
        rows = User.objects.filter(is_active=True)
        text = str(data)
        number = text.isascii() and text.isdigit() and len(text) < 19
        found = rows.filter(pk=int(text)).first() if number else rows.filter(email__iexact=text).first()
        if found is None:
            raise serializers.ValidationError(f"There is no active account {text[:100]!r}.")
        person: User = found
        return person

    def to_representation(self, value: Any) -> str:
        return str(value.email)


class ProcessShape(serializers.Serializer[Any]):
    state = serializers.CharField()
    host = serializers.CharField(allow_null=True)
    restarts = serializers.IntegerField()
    since = serializers.DateTimeField()


class MissionShape(StrictModel):
    mission_id = Key()
    goal = Text(max_length=500)
    description = Text(required=False, allow_blank=True, max_length=100_000)
    status = serializers.ChoiceField(choices=MissionStatus.choices, required=False)
    owner = PersonReference(queryset=User.objects.all(), required=False, allow_null=True)
    budget_usd = Money(required=False, allow_null=True)
    deadline = Instant(required=False, allow_null=True)
    review_required = Truth(required=False)
    four_eyes = Truth(required=False)
    execution_limit = Whole(
        min_value=1,
        max_value=1000,
        required=False,
        allow_null=True,
        help_text="Runs by adapters that go on at a time; null: the setting EXECUTIONS_PER_MISSION.",
    )
    thresholds = ObjectField(
        required=False, help_text="From when on its work deserves advice, where that is not as usual: whole numbers."
    )
    progress = serializers.FloatField(read_only=True, help_text="Share of tasks completed, 0 to 1.")
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True, help_text="Tasks by status.")
    cost_usd = Money(read_only=True)
    process = ProcessShape(source="process.summary", read_only=True)

    class Meta:
        model = Mission
        fields: tuple[str, ...] = (
            "id", "mission_id", "goal", "description", "status", "owner", "budget_usd", "deadline",
            "review_required", "four_eyes", "execution_limit", "thresholds", "progress", "counts", "cost_usd",
            "process", "started_at", "ended_at", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("version", "created_at", "updated_at", "started_at", "ended_at")


class TaskShape(StrictModel):
    task_id = Key()
    mission = Reference(queryset=Mission.objects.all(), required=False)
    objective = Text(max_length=500)
    description = Text(required=False, allow_blank=True, max_length=100_000)
    status = serializers.ChoiceField(choices=TaskStatus.choices, required=False)
    priority = Whole(min_value=0, max_value=3, required=False)
    sprint = Reference(queryset=Sprint.objects.all(), required=False, allow_null=True)
    agent = Reference(queryset=Agent.objects.all(), required=False, allow_null=True)
    requirements = Reference(queryset=Requirement.objects.all(), many=True, required=False)
    depends_on = Reference(queryset=Task.objects.all(), many=True, required=False)
    acceptance_criteria = TextList(required=False)
    required_capabilities = TextList(required=False)
    budget_usd = Money(required=False, allow_null=True)
    due_at = Instant(required=False, allow_null=True)
    review_required = Truth(required=False, allow_null=True)
    outputs = ObjectField(required=False)
    percent = Whole(min_value=0, max_value=100, required=False)
    cost_usd = Money(read_only=True)
    claimed_by = serializers.SerializerMethodField()
    lease_until = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields: tuple[str, ...] = (
            "id", "task_id", "mission", "objective", "description", "status", "status_since", "priority", "sprint",
            "agent", "requirements", "depends_on", "acceptance_criteria", "required_capabilities", "budget_usd",
            "due_at", "review_required", "outputs", "percent", "attempts", "claimed_by", "lease_until", "cost_usd",
            "started_at", "ended_at", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = (
            "status_since", "attempts", "started_at", "ended_at", "version", "created_at", "updated_at",
        )  # fmt: skip

    def get_claimed_by(self, task: Task) -> str | None:
        return task.claim.agent.key if hasattr(task, "claim") else None

    def get_lease_until(self, task: Task) -> datetime | None:
        return task.claim.lease_until if hasattr(task, "claim") else None

    def to_representation(self, task: Task) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(task)
        shown["requirements"] = sorted(shown["requirements"])
        shown["depends_on"] = sorted(shown["depends_on"])
        return shown


class LogLine(Strict):
    message = Text(max_length=20_000, allow_blank=True)
    timestamp = Happened(required=False)
    level = Text(required=False, max_length=20)

    def validate(self, line: dict[str, Any]) -> dict[str, Any]:
        if "timestamp" in line:
            line["timestamp"] = line["timestamp"].isoformat()
        return line


@extend_schema_field(USAGE_SCHEMA)
class UsageObject(ObjectField):
    """Tokens and cost, as `POST /usage` takes them."""


class ProgressBody(Strict):
    """What an agent reports of its task."""

    status = serializers.ChoiceField(choices=TaskStatus.choices, required=False)
    percent = Whole(min_value=0, max_value=100, required=False)
    outputs = ObjectField(required=False)
    logs = serializers.ListField(child=LogLine(), required=False, max_length=500)
    usage = UsageObject(required=False)
    fence = Whole(min_value=1, required=False, help_text="That of the claim; an older one is 409.")


class ClaimBody(Strict):
    agent = Reference(queryset=Agent.objects.all(), required=False)
    ttl_s = Whole(min_value=1, max_value=24 * 3600, required=False)


class HolderBody(ClaimBody):
    """`fence` is that of the claim; an older one is 409."""

    fence = Whole(min_value=1, required=False)


class ReviewBody(Strict):
    comment = Text(required=False, allow_blank=True, max_length=20_000)


class NothingBody(Strict):
    """No field: the address says it all."""


class AgentJoins(Strict):
    agent = Reference(queryset=Agent.objects.all())
    role = serializers.ChoiceField(choices=Participation.Role.choices, default=Participation.Role.CONTRIBUTOR)


class MemberJoins(Strict):
    member = PersonReference(queryset=User.objects.all())
    role = serializers.ChoiceField(choices=Participation.Role.choices, default=Participation.Role.CONTRIBUTOR)


class ParticipationShape(serializers.ModelSerializer[Participation]):
    agent = Reference(read_only=True, allow_null=True)
    member = PersonReference(read_only=True, allow_null=True)

    class Meta:
        model = Participation
        fields = ("id", "agent", "member", "role", "joined_at")


class ReviewShape(serializers.ModelSerializer[Review]):
    reviewer = PersonReference(read_only=True)

    class Meta:
        model = Review
        fields = ("id", "approved", "comment", "reviewer", "at")
