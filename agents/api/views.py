"""Agents: list, register, revise."""

from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import AgentShape
from agents.health import AgentStatus, HealthState
from agents.models import Agent
from agents.services import registering
from coordinator.lib.errors import NotAllowed
from coordinator.lib.filters import Choice, Made, Search
from coordinator.lib.views import Lists, ResourceView, Shows


class AgentView(Lists, Shows, ResourceView):
    """Who works: what an agent can do, how it is, when it was last heard and what it has cost."""

    resource = "agent"
    serializer_class = AgentShape
    queryset = Agent.objects.select_related("service_account")
    filters = {
        "status": Choice("status", AgentStatus),
        "health": Choice("health_state", HealthState),
        "capability": Made(lambda rows, value: rows.filter(capabilities__contains=[value]), "A capability."),
        "q": Search("name", "agent_id"),
    }
    scopes = {
        "list": "agents:read",
        "retrieve": "agents:read",
        "create": "agents:write",
        "partial_update": "agents:write",
    }

    def create(self, request: Request) -> Response:
        """Registers an agent. Only an admin names its service account."""
        agent = registering.create_agent(**self._fields(), actor=self.actor, now=self.now)
        return self.fresh(agent, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        """Revises an agent. An agent's own token changes no other agent."""
        agent, changes = self.row(), self._fields(partial=True)
        registering.may_change(request.user, agent)
        revised = registering.revise_agent(agent, **changes, expected=self.expected, actor=self.actor, now=self.now)
        return self.fresh(revised)

    def _fields(self, **options: Any) -> dict[str, Any]:
        fields = self.body(AgentShape, **options)
        if "service_account" in fields and "accounts:admin" not in self.request.auth.scopes:
            raise NotAllowed("Only an admin says whose account acts for an agent.")
        return fields
