"""The shapes of questions and of what the policies answered."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from coordinator.lib.serializers import Naming, ObjectField, Strict
from policies.conditions import Registry, misfits, nearest
from policies.vocabulary import Mode, Outcome
from traceability import canonical

LARGEST_ACTION = 64 * 1024


class Name(Naming, serializers.Field[Any, Any, Any, Any]):
    """A resource of another room, named by integer id or public key."""

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, bool) or not isinstance(data, (str, int)) or data == "" or len(str(data)) > 100:
            raise serializers.ValidationError("Name it by its integer id or its public key.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


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


def _mistakes(action: Mapping[str, Any], registry: Registry) -> dict[str, list[str]]:
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
    waiver = serializers.IntegerField(required=False, help_text="What kept it from binding, this once.")


class PolicyVerdictShape(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=Outcome.choices())
    decisions = FindingShape(many=True)
    approval = serializers.IntegerField(allow_null=True, help_text="What waits for a person; null unless held.")
    decision_id = serializers.IntegerField()
    bundle_hash = serializers.CharField()
