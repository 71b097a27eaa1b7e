"""What an agent should know now."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from coordinator.lib.views import Endpoint
from missions import briefings


class AdviceShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    severity = serializers.CharField()
    message = serializers.CharField()
    task = serializers.CharField(allow_null=True)


class PolicyHint(serializers.Serializer[Any]):
    policy_id = serializers.CharField()
    description = serializers.CharField()
    mode = serializers.CharField()


class WaitingShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    summary = serializers.CharField()
    reason = serializers.CharField()
    task = serializers.CharField(allow_null=True)
    mission = serializers.CharField(allow_null=True)
    deadline = serializers.DateTimeField()


class BriefTask(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    task_id = serializers.CharField()
    mission = serializers.CharField()
    objective = serializers.CharField()
    status = serializers.CharField()
    priority = serializers.IntegerField()
    percent = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    lease_until = serializers.DateTimeField(allow_null=True)


class BriefingShape(serializers.Serializer[Any]):
    agent = serializers.CharField()
    status = serializers.CharField(help_text="The agent's.")
    current_task = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField()
    tasks = BriefTask(many=True, help_text="Its own and what it holds, the most urgent first.")
    ready = BriefTask(many=True, help_text="Ready tasks that fit its capabilities: its own and nobody's.")
    approvals = WaitingShape(many=True, help_text="What waits for a person.")
    advisories = AdviceShape(many=True)
    policies = PolicyHint(many=True)


class BriefingView(Endpoint):
    """What an agent should know now: advice, never an assignment."""

    scopes = {"brief": "agents:read"}
    serializer_class = BriefingShape

    @extend_schema(responses=BriefingShape)
    def brief(self, request: Request, key: str) -> Response:
        """Its tasks, what is ready for it, waiting approvals, advisories and the policies that hold."""
        return Response(BriefingShape(briefings.of(Agent.objects.identified(key), self.now)).data)
