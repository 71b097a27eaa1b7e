"""The shapes of the decision log and of approvals."""

from typing import Any

from rest_framework import serializers

from coordinator.lib.serializers import Strict, Text
from policies.api.question_serializers import FindingShape
from policies.models import Approval, Decision
from policies.vocabulary import ApprovalState


class KeyOrNull(serializers.CharField):
    """A key, or null when there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None


class SubjectShape(serializers.Serializer[Any]):
    type = serializers.CharField()
    id = serializers.IntegerField()
    key = serializers.CharField()


class DecisionShape(serializers.ModelSerializer[Decision]):
    mission = KeyOrNull(source="mission_key")
    task = KeyOrNull(source="task_key")
    agent = KeyOrNull(source="agent_key")
    decisions = FindingShape(source="matched", many=True)
    version = serializers.IntegerField(read_only=True)
    input = serializers.DictField(source="asked", help_text="Everything that was judged, secrets masked.")

    class Meta:
        model = Decision
        fields = (
            "id", "at", "point", "action_type", "outcome", "mission", "task", "agent", "actor_kind", "actor_name",
            "decisions", "input", "input_hash", "bundle_hash", "approval", "duration_us",
            "version",
        )  # fmt: skip
        read_only_fields = fields


class ApprovalShape(serializers.ModelSerializer[Approval]):
    mission = KeyOrNull(source="mission_key")
    task = KeyOrNull(source="task_key")
    agent = KeyOrNull(source="agent_key")
    subject = SubjectShape(allow_null=True, help_text="The task, else the mission, else the agent that it is about.")
    requester = serializers.CharField(source="requester_name")
    deadline = serializers.DateTimeField(source="expires_at")
    decided_by = serializers.StringRelatedField[Any](allow_null=True)
    state = serializers.ChoiceField(choices=ApprovalState.choices())
    version = serializers.IntegerField(read_only=True)

    class Meta:
        model = Approval
        fields = (
            "id", "state", "summary", "reason", "point", "action_type", "action", "policies", "subject", "mission",
            "task", "agent", "requester", "remark", "created_at", "deadline", "decided_at", "decided_by", "comment",
            "consumed_at", "digest", "version",
        )  # fmt: skip
        read_only_fields = fields


class DecideBody(Strict):
    comment = Text(required=False, allow_blank=True, max_length=20_000, default="")
