"""The shapes of waivers."""

from typing import Any

from rest_framework import serializers

from coordinator.lib.serializers import Instant, Strict, Text, Whole
from policies.api.log_serializers import KeyOrNull
from policies.api.question_serializers import Name
from policies.models import Waiver, WaiverState
from policies.models.waiver import MOST_USES


class WaiverShape(serializers.ModelSerializer[Waiver]):
    policy = serializers.CharField(source="policy.key", read_only=True)
    mission = KeyOrNull(source="mission_key")
    task = KeyOrNull(source="task_key")
    agent = KeyOrNull(source="agent_key")
    digest = KeyOrNull(help_text="Of the one exact action that it is for; null: of any.")
    requester = serializers.CharField(source="requester_name")
    state = serializers.ChoiceField(choices=WaiverState.choices())
    grantor = serializers.StringRelatedField[Any](allow_null=True)
    revoked_by = serializers.StringRelatedField[Any](allow_null=True)
    version = serializers.IntegerField(read_only=True)

    class Meta:
        model = Waiver
        fields = (
            "id", "policy", "state", "mission", "task", "agent", "digest", "reason", "requester", "created_at",
            "expires_at", "uses", "uses_left", "grantor", "granted_at", "revoked_by", "revoked_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class WaiverBody(Strict):
    """What a policy shall not bind, and why: all that is named has to fit, and something is named."""

    reason = Text(max_length=20_000)
    expires_at = Instant(help_text="At most 30 days from now.")
    uses = Whole(required=False, min_value=1, max_value=MOST_USES, default=1)
    mission = Name(required=False, allow_null=True)
    task = Name(required=False, allow_null=True)
    agent = Name(required=False, allow_null=True, help_text="Left out by an agent's token: that agent.")
    decision = Whole(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1,
        help_text="Only for the exact action of this decision.",
    )  # fmt: skip


class SettleBody(Strict):
    """Nothing has to be said with it."""
