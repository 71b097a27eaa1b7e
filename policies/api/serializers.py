"""The shapes of policies, decisions and approvals, in and out."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coordinator.lib.serializers import Key, ObjectField, Strict, StrictModel, Text, Whole
from policies.conditions import attributes, misfits, nearest
from policies.models import Approval, Decision, Policy, PolicyRevision
from policies.vocabulary import ApprovalState, Mode, OnError, Outcome, PolicyStatus
from traceability import canonical

LARGEST_ACTION = 64 * 1024
SCOPE_SCHEMA = {
    "oneOf": [
        {"type": "string", "enum": ["global"]},
        {
            "type": "object",
            "description": "Ids or keys: one of each list, and every list, must fit.",
            "properties": {
                noun: {"type": "array", "items": {"type": ["string", "integer"]}}
                for noun in ("mission", "agent", "agent_type", "capability", "task", "sprint")
            },
            "additionalProperties": False,
        },
    ]
}
ACTIONS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "description": "Exactly one of block, escalate and warn, with the text that is told.",
        "properties": {asked: {"type": "string"} for asked in ("block", "escalate", "warn")},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    },
    "minItems": 1,
}
PATHS_SCHEMA = {"type": "array", "items": {"type": ["string", "array"], "items": {"type": "string"}}}


@extend_schema_field(SCOPE_SCHEMA)
class ScopeField(serializers.JSONField):
    """`"global"` or an object of lists."""


@extend_schema_field(ACTIONS_SCHEMA)
class ActionsField(serializers.JSONField):
    """What the policy does when it matches."""


@extend_schema_field(PATHS_SCHEMA)
class PathsField(serializers.JSONField):
    """Paths whose absence is an error."""


@extend_schema_field(OpenApiTypes.STR)
class Name(serializers.Field[Any, Any, Any, Any]):
    """A resource of another room, named by integer id or public key."""

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, bool) or not isinstance(data, (str, int)) or data == "" or len(str(data)) > 100:
            raise serializers.ValidationError("Name it by its integer id or its public key.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


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


class PolicyShape(StrictModel):
    policy_id = Key()
    description = Text(required=False, allow_blank=True, max_length=20_000)
    owner = Text(required=False, allow_blank=True, max_length=200)
    status = serializers.ChoiceField(choices=PolicyStatus.choices(), required=False)
    mode = serializers.ChoiceField(choices=Mode.choices(), required=False)
    conditions = ObjectField(help_text='For instance `{"action_type": "git_push", "force": true}`.')
    actions = ActionsField(help_text='For instance `[{"block": "Force pushes are not allowed."}]`.')
    scope = ScopeField(required=False)
    require = PathsField(required=False)
    priority = Whole(required=False, min_value=-1000, max_value=1000)
    on_error = serializers.ChoiceField(choices=OnError.choices(), required=False)
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)
    change_note = Text(required=False, allow_blank=True, max_length=500, write_only=True)
    revision = serializers.IntegerField(read_only=True)

    class Meta:
        model = Policy
        fields: tuple[str, ...] = (
            "id", "policy_id", "description", "owner", "status", "mode", "conditions", "actions", "scope", "require",
            "priority", "on_error", "valid_from", "valid_until", "change_note", "revision", "version", "created_at",
            "updated_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = ("version", "created_at", "updated_at")


class RevisionShape(serializers.ModelSerializer[PolicyRevision]):
    policy_id = serializers.CharField(source="policy.policy_id", read_only=True)
    revision = serializers.IntegerField(source="n", read_only=True)
    actions = ActionsField(read_only=True)
    scope = ScopeField(read_only=True)
    require = PathsField(read_only=True)

    class Meta:
        model = PolicyRevision
        fields: tuple[str, ...] = (
            "id", "policy_id", "revision", "description", "owner", "status", "mode", "conditions", "actions", "scope",
            "require", "priority", "on_error", "valid_from", "valid_until", "content_hash", "author", "change_note",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


class QuestionBody(Strict):
    """An action asked about before it is done, and whom it is about."""

    action = ObjectField(help_text='For instance `{"action_type": "git_push", "branch": "main", "force": true}`.')
    mission = Name(required=False, allow_null=True)
    task = Name(required=False, allow_null=True)
    agent = Name(required=False, allow_null=True, help_text="Left out: the agent of this token.")

    def validate_action(self, action: dict[str, Any]) -> dict[str, Any]:
        if mistakes := _mistakes(action, self.context["registry"]):
            raise serializers.ValidationError(mistakes)
        return action


def _mistakes(action: Mapping[str, Any], registry: attributes.Registry) -> dict[str, list[str]]:
    name = action.get("action_type")
    if not isinstance(name, str):
        return {"action_type": ["Say what kind of action it is, for instance git_push."]}
    if not registry.knows(name):
        like = nearest(name, registry.types)
        hint = f" Did you mean {like!r}?" if like else ""
        return {"action_type": [f"There is no action type {name[:64]!r}.{hint} Own types begin with custom."]}
    if "context" in action:
        return {"context": ["The context is known here; an action does not tell it."]}
    if len(canonical.write(action)) > LARGEST_ACTION:
        return {"action_type": [f"An action is at most {LARGEST_ACTION} characters long."]}
    return {field: [text] for field, text in misfits(action, registry).items()}


class FindingShape(serializers.Serializer[Any]):
    """What one policy said. An audit policy's outcome is allow, and `would_have` says what it would have been."""

    policy_id = serializers.CharField()
    revision = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=Outcome.choices())
    message = serializers.CharField()
    mode = serializers.ChoiceField(choices=Mode.choices())
    would_have = serializers.ChoiceField(choices=Outcome.choices())
    matched = serializers.ListField(child=serializers.DictField(), help_text="Each test: path, op, expected, actual.")
    error = serializers.CharField(required=False)
    approval = serializers.IntegerField(required=False)


class PolicyVerdictShape(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=Outcome.choices())
    decisions = FindingShape(many=True)
    approval = serializers.IntegerField(allow_null=True, help_text="What holds the action, or let it through.")
    decision_id = serializers.IntegerField()
    bundle_hash = serializers.CharField()


class PastBody(Strict):
    """Which part of the decision log a policy is tried on: the latest `limit` decisions between two times."""

    after = serializers.DateTimeField(required=False)
    before = serializers.DateTimeField(required=False)
    limit = Whole(required=False, min_value=1, max_value=100_000, default=10_000)


class DraftBody(PastBody):
    """A draft of a policy, and the past to try it on."""

    conditions = ObjectField()
    actions = ActionsField()
    scope = ScopeField(required=False)
    require = PathsField(required=False)
    on_error = serializers.ChoiceField(choices=OnError.choices(), required=False)
    priority = Whole(required=False, min_value=-1000, max_value=1000)


class PastHitShape(serializers.Serializer[Any]):
    decision = serializers.IntegerField()
    at = serializers.DateTimeField()
    point = serializers.CharField()
    action_type = serializers.CharField()
    mission = serializers.CharField(allow_null=True)
    task = serializers.CharField(allow_null=True)
    agent = serializers.CharField(allow_null=True)
    was = serializers.ChoiceField(choices=Outcome.choices())
    outcome = serializers.ChoiceField(choices=Outcome.choices())
    matched = serializers.ListField(child=serializers.DictField())


class ReportShape(serializers.Serializer[Any]):
    considered = serializers.IntegerField(help_text="Recorded decisions that were read.")
    complete = serializers.BooleanField(help_text="false: there are older ones beyond `limit`.")
    matched = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    stricter = serializers.IntegerField(help_text="Matched decisions that would have been stricter than they were.")
    could_not_judge = serializers.IntegerField(help_text="Decisions that lack what the policy asks for.")
    hits = PastHitShape(many=True, help_text="The latest that matched.")


class DecisionShape(serializers.ModelSerializer[Decision]):
    mission = KeyOrNull(source="mission_key")
    task = KeyOrNull(source="task_key")
    agent = KeyOrNull(source="agent_key")
    decisions = FindingShape(source="matched", many=True)
    input = serializers.DictField(source="asked", help_text="Everything that was judged, secrets masked.")

    class Meta:
        model = Decision
        fields = (
            "id", "at", "point", "action_type", "outcome", "mission", "task", "agent", "actor_kind", "actor_name",
            "decisions", "input", "input_hash", "bundle_hash", "approval", "duration_us",
        )  # fmt: skip
        read_only_fields = fields


class ApprovalShape(serializers.ModelSerializer[Approval]):
    mission = KeyOrNull(source="mission_key")
    task = KeyOrNull(source="task_key")
    agent = KeyOrNull(source="agent_key")
    subject = SubjectShape(allow_null=True, help_text="The task, else the mission, else the agent that it is about.")
    requester = serializers.CharField(source="requester_name")
    deadline = serializers.DateTimeField(source="expires_at")
    decided_by = serializers.StringRelatedField[Any]()
    state = serializers.ChoiceField(choices=ApprovalState.choices())

    class Meta:
        model = Approval
        fields = (
            "id", "state", "summary", "reason", "point", "action_type", "action", "policies", "subject", "mission",
            "task", "agent", "requester", "created_at", "deadline", "decided_at", "decided_by", "comment",
            "consumed_at", "digest",
        )  # fmt: skip
        read_only_fields = fields


class DecideBody(Strict):
    comment = Text(required=False, allow_blank=True, max_length=20_000, default="")
