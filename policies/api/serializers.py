"""The shapes of policies and of the past that they are tried on."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coordinator.lib.serializers import Instant, Key, ObjectField, Strict, StrictModel, Text, Whole
from policies import trials
from policies.conditions.attributes import BY_TYPE
from policies.conditions.operators import OPERATORS
from policies.models import Policy, PolicyRevision
from policies.vocabulary import Mode, OnError, Outcome, PolicyStatus

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
LANGUAGE = f"""Every line holds: `{{"action_type": "git_push", "force": true}}`. A line is a dotted path with a plain
value or with operators: {", ".join(OPERATORS)}; for the items of a list also any, every, none. `all` and `any` take a
list of objects, `not` takes one, `{{"path": ["custom", "a.b"], "eq": 1}}` names a path with a dot in it, and
`{{"match_all": true}}` matches everything. Action types: {", ".join(BY_TYPE)}, and own ones that begin with custom."""
TESTS_SCHEMA = {
    "type": "array",
    "maxItems": trials.MOST,
    "items": {
        "type": "object",
        "required": sorted(trials.NEEDED),
        "properties": {
            "name": {"type": "string"},
            "input": {"type": "object", "description": "An action, with its action_type."},
            "expect": {"type": "string", "enum": list(trials.EXPECTED)},
            "facts": {"type": "object", "description": "What is known of its mission and task."},
            "context": {
                "type": "object",
                "description": "Who asks, and about what.",
                "properties": {
                    name: {"type": "array", "items": {"type": "string"}}
                    if name == "capabilities"
                    else {"type": "string"}
                    for name in sorted(trials.CONTEXT)
                },
                "additionalProperties": False,
            },
            "at": {"type": "string", "format": "date-time"},
        },
        "additionalProperties": False,
    },
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


@extend_schema_field(TESTS_SCHEMA)
class TestsField(serializers.JSONField):
    """Actions, and what the policy is expected to say of each."""


class PolicyShape(StrictModel):
    policy_id = Key()
    description = Text(required=False, allow_blank=True, max_length=20_000)
    owner = Text(required=False, allow_blank=True, max_length=200)
    status = serializers.ChoiceField(choices=PolicyStatus.choices(), required=False)
    mode = serializers.ChoiceField(choices=Mode.choices(), required=False)
    conditions = ObjectField(help_text=LANGUAGE)
    actions = ActionsField(help_text='For instance `[{"block": "Force pushes are not allowed."}]`.')
    scope = ScopeField(required=False)
    require = PathsField(required=False)
    priority = Whole(required=False, min_value=-1000, max_value=1000)
    on_error = serializers.ChoiceField(choices=OnError.choices(), required=False)
    valid_from = Instant(required=False, allow_null=True)
    valid_until = Instant(required=False, allow_null=True)
    tests = TestsField(required=False, help_text="Tried at every save; one that fails refuses it.")
    change_note = Text(required=False, allow_blank=True, max_length=500, write_only=True)
    revision = serializers.IntegerField(read_only=True)
    untested = serializers.BooleanField(read_only=True, help_text="It lacks a test that matches, or one that does not.")
    effective_mode = serializers.ChoiceField(
        choices=Mode.choices(), read_only=True, help_text="How it is judged: an untested one may be held in audit mode."
    )

    class Meta:
        model = Policy
        fields: tuple[str, ...] = (
            "id", "policy_id", "description", "owner", "status", "mode", "conditions", "actions", "scope", "require",
            "priority", "on_error", "valid_from", "valid_until", "tests", "change_note", "revision", "untested",
            "effective_mode", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = ("version", "created_at", "updated_at")


class RevisionShape(serializers.ModelSerializer[PolicyRevision]):
    policy_id = serializers.CharField(source="policy.policy_id", read_only=True)
    revision = serializers.IntegerField(source="n", read_only=True)
    actions = ActionsField(read_only=True)
    scope = ScopeField(read_only=True)
    require = PathsField(read_only=True)
    tests = TestsField(read_only=True)

    class Meta:
        model = PolicyRevision
        fields: tuple[str, ...] = (
            "id", "policy_id", "revision", "description", "owner", "status", "mode", "conditions", "actions", "scope",
            "require", "priority", "on_error", "valid_from", "valid_until", "tests", "content_hash", "author",
            "change_note", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class ActivateBody(Strict):
    """Which revision is put in force; left out, the policy as it stands."""

    revision = Whole(required=False, min_value=1, max_value=2**31 - 1)
    change_note = Text(required=False, allow_blank=True, max_length=500)


class PastBody(Strict):
    """Which part of the decision log a policy is tried on: the latest `limit` decisions between two times."""

    after = Instant(required=False)
    before = Instant(required=False)
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


class ChangedShape(serializers.Serializer[Any]):
    """Counts by key; an empty key is none."""

    agent = serializers.DictField(child=serializers.IntegerField())
    mission = serializers.DictField(child=serializers.IntegerField())
    action_type = serializers.DictField(child=serializers.IntegerField())


class ReportShape(serializers.Serializer[Any]):
    considered = serializers.IntegerField(help_text="Recorded decisions that were read.")
    complete = serializers.BooleanField(help_text="false: there are older ones beyond `limit`.")
    matched = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    stricter = serializers.IntegerField(help_text="Decisions that would have been stricter than they were.")
    looser = serializers.IntegerField(help_text="Decisions that this policy made stricter then, and would not now.")
    could_not_judge = serializers.IntegerField(help_text="Decisions that lack what the policy asks for.")
    why_not = serializers.DictField(child=serializers.IntegerField(), help_text="How many of them for which reason.")
    changed_by = ChangedShape(help_text="Decisions that would differ, counted.")
    hits = PastHitShape(many=True, help_text="The latest that matched.")
    changes = PastHitShape(many=True, help_text="The latest that would differ.")
