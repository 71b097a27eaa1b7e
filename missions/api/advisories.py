"""Advisories: what the coordinator advises, and a person's word that it was seen."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from agents.services.registering import is_service
from coordinator.lib.errors import NotAllowed
from coordinator.lib.filters import Belongs, Choice, Flag
from coordinator.lib.models import numbered
from coordinator.lib.schema import MATCH
from coordinator.lib.serializers import Strict
from coordinator.lib.views import Lists, ResourceView
from missions import causes
from missions.models import Advisory, Mission, Task
from missions.models.advisory import AdvisoryQuerySet
from missions.services import advising


class AdvisorySerializer(serializers.ModelSerializer[Advisory]):
    mission = serializers.SlugRelatedField[Any](slug_field="mission_id", read_only=True, allow_null=True)
    task = serializers.SlugRelatedField[Any](slug_field="task_id", read_only=True, allow_null=True)
    agent = serializers.SlugRelatedField[Any](slug_field="agent_id", read_only=True, allow_null=True)
    acknowledged_by = serializers.StringRelatedField[Any](read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True)

    class Meta:
        model = Advisory
        fields = [
            "id", "kind", "severity", "cause", "message", "evidence", "mission", "task", "agent",
            "opened_at", "resolved_at", "acknowledged_at", "acknowledged_by", "version",
        ]  # fmt: skip


class Acknowledgement(Strict):
    """An empty body."""


class AdvisoryView(Lists, ResourceView):
    """What the coordinator advises; each is open until its cause is gone."""

    scopes = {"list": "missions:read", "retrieve": "missions:read", "acknowledge": "tasks:review"}
    queryset = Advisory.objects.select_related("mission", "task", "agent", "acknowledged_by")
    serializer_class = AdvisorySerializer
    filters = {
        "kind": Choice("kind", causes.KINDS),
        "severity": Choice("severity", Advisory.Severity),
        "mission": Belongs("mission", Mission),
        "task": Belongs("task", Task),
        "agent": Belongs("agent", Agent),
        "open": Flag(
            lambda rows: cast(AdvisoryQuerySet, rows).open(), lambda rows: rows.filter(resolved_at__isnull=False)
        ),
    }

    def retrieve(self, request: Request, key: str) -> Response:
        """One advisory, by its id."""
        return self.answer(self._advisory(key))

    @extend_schema(request=Acknowledgement, responses=AdvisorySerializer, parameters=[MATCH])
    def acknowledge(self, request: Request, key: str) -> Response:
        """Says that a person has seen it; it stays open until its cause is gone."""
        self.body(Acknowledgement)
        if is_service(request.user):
            raise NotAllowed("People acknowledge advisories; agents read them.")
        by = {"person": request.user, "expected": self.expected, "actor": self.actor, "now": self.now}
        return self.answer(advising.acknowledge(self._advisory(key), **by))

    def _advisory(self, key: str) -> Advisory:
        found: Advisory = numbered(self.get_queryset(), key)
        return found
