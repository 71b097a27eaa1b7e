"""The shapes of agents, of what they report, and of use."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from agents import costs
from agents.costs import Use
from agents.health import ActivityEvent, AgentStatus
from agents.models import Activity, Agent
from coordinator.lib.errors import Invalid
from coordinator.lib.serializers import Happened, Key, Money, Naming, ObjectField, Strict, StrictModel, Text, TextList

NO_ADAPTER = {None, "", "none"}
TEXT: dict[str, Any] = {"type": ["string", "null"], "maxLength": costs.LONGEST}
COUNT: dict[str, Any] = {"type": ["integer", "null"], "minimum": 0, "maximum": costs.LARGEST_COUNT}
USAGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **{name: {**TEXT, "description": told} for name, told in costs.TEXTS.items()},
        **{name: {**COUNT, "description": told} for name, told in costs.CLASSES.items()},
        costs.CACHED: {**COUNT, "description": "The part of input_tokens that a cache served, if included."},
        **{name: {**COUNT, "description": f"Another name of {same}."} for name, same in costs.ALSO_CALLED.items()},
        costs.COST: {"type": ["string", "number", "null"], "description": "USD, when the reporter knows it."},
        costs.AT: {"type": ["string", "null"], "format": "date-time"},
    },
}  # fmt: skip


@extend_schema_field(USAGE_SCHEMA)
class UsageField(serializers.Field[Use, Any, Any, Any]):
    """Tokens and cost of one use."""

    def to_internal_value(self, data: Any) -> Use:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.")
        try:
            return costs.read(data)
        except Invalid as invalid:
            raise serializers.ValidationError(invalid.errors) from invalid


@extend_schema_field({"type": ["string", "null"], "enum": [*[name for name in Agent.Adapter.values if name], None]})
class AdapterField(serializers.Field[str, Any, Any, Any]):
    """The adapter's name; null for an agent that works by itself and reports."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, (str, type(None))) or data not in {*NO_ADAPTER, *Agent.Adapter.values}:
            known = ", ".join(name for name in Agent.Adapter.values if name)
            raise serializers.ValidationError(f"Choose {known}, or null.")
        return "" if data in NO_ADAPTER else str(data)

    def to_representation(self, value: str) -> str | None:
        return value or None


class AccountField(Naming, serializers.Field[User, Any, Any, Any]):
    """A service account named by e-mail or integer id; answered as its e-mail."""

    def to_internal_value(self, data: Any) -> User:
        named = data if isinstance(data, (str, int)) and not isinstance(data, bool) else ""
        found: User | None = User.objects.named(named).first()
        if found is None:
            raise serializers.ValidationError(f"There is no account {str(data)[:100]!r}.")
        return found

    def to_representation(self, value: User) -> str:
        return value.email


class HealthShape(serializers.Serializer[Any]):
    state = serializers.CharField()
    reason = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)


class AgentShape(StrictModel):
    agent_id = Key()
    name = Text(required=False, max_length=200)
    adapter_module = AdapterField(required=False, allow_null=True)
    adapter_config = ObjectField(
        required=False, help_text='Secrets only as {"env": "NAME"}, the name of an environment variable.'
    )
    capabilities = TextList(required=False)
    status = serializers.ChoiceField(choices=AgentStatus.choices, required=False)
    cost_per_mtok = Money(required=False, allow_null=True, help_text="USD per million tokens where no price is known.")
    service_account = AccountField(required=False, allow_null=True, help_text="Whose tokens are this agent's.")
    current_task = serializers.CharField(read_only=True, allow_null=True)
    health = HealthShape(read_only=True)
    cost_usd = Money(read_only=True)

    class Meta:
        model = Agent
        fields = (
            "id", "agent_id", "name", "adapter_module", "adapter_config", "capabilities", "status", "status_since",
            "status_reason", "cost_per_mtok", "service_account", "last_seen_at", "current_task", "health", "cost_usd",
            "tokens", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = (
            "status_since", "status_reason", "last_seen_at", "tokens", "version", "created_at", "updated_at",
        )  # fmt: skip


class ActivityBody(Strict):
    """One event. Its context may name `task` and `mission`, say `reason` and `session_id`, and hold anything else."""

    event = serializers.ChoiceField(
        choices=ActivityEvent.choices,
        error_messages={"invalid_choice": f"{{input!r}} is no event; events: {', '.join(ActivityEvent.values)}."},
    )
    context = ObjectField(required=False, allow_null=True)  # type: ignore[assignment]
    usage = UsageField(required=False, allow_null=True)
    timestamp = Happened(required=False, allow_null=True, help_text="When it happened; now when left out.")


class ActivityShape(serializers.ModelSerializer[Activity]):
    agent = serializers.CharField(source="agent.agent_id", read_only=True)
    mission = serializers.SerializerMethodField()
    task = serializers.SerializerMethodField()

    class Meta:
        model = Activity
        fields: tuple[str, ...] = (
            "id", "agent", "event", "mission", "task", "session", "context", "at", "received_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_mission(self, row: Activity) -> str | None:
        return row.mission_key or None

    def get_task(self, row: Activity) -> str | None:
        return row.task_key or None


class MeteredShape(serializers.Serializer[Any]):
    """What became of a use: counted now or before, and what it costs. Unknown is null, not zero."""

    counted = serializers.BooleanField()
    source = serializers.CharField(help_text="reported, computed or unknown")  # type: ignore[assignment]
    cost_usd = Money(allow_null=True)
    cost_computed_usd = Money(allow_null=True)
