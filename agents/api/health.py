"""An agent's health, checked when it is asked for."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import HealthShape
from agents.models import Agent
from agents.services import checking, registering
from coordinator.lib.routes import route
from coordinator.lib.serializers import Strict
from coordinator.lib.views import ResourceView


class CheckBody(Strict):
    """An empty body."""


class HealthView(ResourceView):
    """Whether an agent could work now."""

    scopes = {"check": "agents:write"}
    outward = frozenset({"check"})
    queryset = Agent.objects.all()
    serializer_class = HealthShape

    @extend_schema(request=CheckBody, responses=HealthShape)
    def check(self, request: Request, key: str) -> Response:
        """Checks the agent's adapter now, without a model call; without one, when the agent was last heard."""
        agent = self.row()
        self.body(CheckBody)
        registering.may_change(request.user, agent)
        checked = checking.check(agent, actor=self.actor, now=self.now)
        return Response(self.get_serializer(checked.health).data)


health = [route("agents/<str:key>/health", HealthView, "agent-health", post="check")]
