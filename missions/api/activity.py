"""What agents report of themselves, and the feed of it."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import ActivityBody, ActivityShape, MeteredShape
from agents.health import ActivityEvent
from agents.models import Activity, Agent
from coordinator.lib.errors import Invalid
from coordinator.lib.filters import Choice, Equals, Since
from coordinator.lib.views import ResourceView
from missions import briefings
from missions.api.briefings import AdviceShape, PolicyHint
from missions.services import hearing
from missions.services.hearing import Heard, Line

BEGINNINGS = {ActivityEvent.SESSION_START, ActivityEvent.TASK_START}
"""Events after which the answer names the policies that hold, besides what is advised."""


class Hints(serializers.Serializer[Any]):
    agent_status = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Names that are not known.")
    advisories = AdviceShape(many=True)
    policies = PolicyHint(many=True, help_text="After session_start and task_start: the policies that hold.")


class ActivityAnswer(ActivityShape, Hints):
    count = serializers.IntegerField(help_text="1")
    usage = MeteredShape(allow_null=True)

    class Meta(ActivityShape.Meta):
        fields = (
            *ActivityShape.Meta.fields, "count", "usage", "agent_status", "warnings", "advisories", "policies",
        )  # fmt: skip


class ActivitiesAnswer(Hints):
    count = serializers.IntegerField(help_text="How many were stored: all of them.")
    first_id = serializers.IntegerField()
    last_id = serializers.IntegerField()


ONE_OR_MANY = PolymorphicProxySerializer(
    component_name="ActivityReport",
    serializers=[ActivityBody, ActivityBody(many=True)],
    resource_type_field_name=None,
    many=False,
)
ANSWERS = PolymorphicProxySerializer(
    component_name="ActivityHeard",
    serializers=[ActivityAnswer, ActivitiesAnswer],
    resource_type_field_name=None,
    many=False,
)


class ActivityView(ResourceView):
    """What an agent says of itself, newest first."""

    resource = "activity"
    serializer_class = ActivityShape
    queryset = Activity.objects.select_related("agent")
    ordering = "-id"
    scopes = {"report": "agents:report", "list": "agents:read"}
    filters = {
        "event": Choice("event", ActivityEvent),
        "task": Equals("task_key", "A task's public key."),
        "session": Equals("session", "A session's id."),
        "after": Since("at"),
        "before": Since("at", "lt"),
    }

    def get_queryset(self) -> QuerySet[Activity]:
        rows = super().get_queryset()
        return rows.filter(agent=self.row(Agent.objects.all())) if "key" in self.kwargs else rows

    def list(self, request: Request, key: str) -> Response:
        """The feed of one agent, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=ONE_OR_MANY, responses={201: ANSWERS})
    def report(self, request: Request, key: str) -> Response:
        """Stores one event or a list of up to 500, all or none. An unknown agent is registered when the token may."""
        lines, many, now = *lines_of(request.data), self.now
        scopes: frozenset[str] = request.auth.scopes  # type: ignore[union-attr]
        heard = hearing.hear(key, lines, user=request.user, scopes=scopes, actor=self.actor, now=now)
        told = _told_many(heard) if many else _told_one(heard)
        return Response({**told, **_hints(heard, lines, now)}, status=status.HTTP_201_CREATED)


def lines_of(data: Any) -> tuple[list[Line], bool]:
    """The events of a body, and whether they came as a list. Raises Invalid, ValidationError."""
    data = data["activity"] if isinstance(data, dict) and set(data) == {"activity"} else data
    many = isinstance(data, list)
    if many and not 1 <= len(data) <= hearing.MOST:
        raise Invalid({"body": [f"Send 1 to {hearing.MOST} events at a time; this list has {len(data)}."]})
    if not many and not isinstance(data, dict):
        raise Invalid({"body": ["Send an event, or a list of events."]})
    read = ActivityBody(data=data, many=many)
    read.is_valid(raise_exception=True)
    return [_line(each) for each in (read.validated_data if many else [read.validated_data])], many


def _line(fields: dict[str, Any]) -> Line:
    return Line(
        event=ActivityEvent(fields["event"]),
        context=fields.get("context") or {},
        use=fields.get("usage"),
        at=fields.get("timestamp"),
    )


def _told_one(heard: Heard) -> dict[str, Any]:
    usage = heard.metered.get(0)
    return {
        **ActivityShape(heard.activities[0]).data,
        "count": 1,
        "usage": None if usage is None else MeteredShape(usage).data,
    }


def _told_many(heard: Heard) -> dict[str, Any]:
    return {
        "count": len(heard.activities),
        "first_id": heard.activities[0].pk,
        "last_id": heard.activities[-1].pk,
    }


def _hints(heard: Heard, lines: list[Line], now: datetime) -> dict[str, Any]:
    return {
        "agent_status": heard.agent.status,
        "warnings": heard.warnings,
        "advisories": briefings.advice_for(heard.agent, now),
        "policies": _policies(heard, now) if any(line.event in BEGINNINGS for line in lines) else [],
    }


def _policies(heard: Heard, now: datetime) -> list[dict[str, Any]]:
    tasks = [place.task for place in heard.places if place.task]
    missions = [place.mission for place in heard.places if place.mission]
    return briefings.policies_for(heard.agent, tasks=tasks, missions=missions, now=now)
