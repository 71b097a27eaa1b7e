"""Advisories: what the coordinator advises, and a person's word that it was seen or is put off."""

from datetime import timedelta
from typing import Any, cast

from django.utils import timezone
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
from coordinator.lib.serializers import Instant, Strict, Whole
from coordinator.lib.views import Lists, ResourceView
from missions.advice import findings
from missions.models import Advisory, Mission, Task
from missions.models.advisory import AdvisoryQuerySet
from missions.services import answering
from missions.services.answering import LONGEST


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
            "opened_at", "resolved_at", "acknowledged_at", "acknowledged_by", "snoozed_until", "version",
        ]  # fmt: skip


class Acknowledgement(Strict):
    """An empty body."""


class Snooze(Strict):
    """One of the two; `until` null takes it up again."""

    until = Instant(required=False, allow_null=True, help_text="In the future, at most 30 days away.")
    minutes = Whole(required=False, min_value=1, max_value=LONGEST // timedelta(minutes=1))

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if len(given) != 1:
            raise serializers.ValidationError({"until": ["Say either until or minutes."]})
        return given


class AdvisoryView(Lists, ResourceView):
    """What the coordinator advises; each is open until its cause is gone."""

    scopes = {
        "list": "missions:read",
        "retrieve": "missions:read",
        "acknowledge": "tasks:review",
        "snooze": "tasks:review",
    }
    queryset = Advisory.objects.select_related("mission", "task", "agent", "acknowledged_by")
    serializer_class = AdvisorySerializer
    filters = {
        "kind": Choice("kind", findings.KINDS),
        "severity": Choice("severity", Advisory.Severity),
        "mission": Belongs("mission", Mission),
        "task": Belongs("task", Task),
        "agent": Belongs("agent", Agent),
        "open": Flag(
            lambda rows: cast(AdvisoryQuerySet, rows).open(), lambda rows: rows.filter(resolved_at__isnull=False)
        ),
        "snoozed": Flag(
            lambda rows: rows.filter(snoozed_until__gt=timezone.now()),
            lambda rows: cast(AdvisoryQuerySet, rows).awake(timezone.now()),
            description="true: put off until later; false: not.",
        ),
    }

    def retrieve(self, request: Request, key: str) -> Response:
        """One advisory, by its id."""
        return self.answer(self._advisory(key))

    @extend_schema(request=Acknowledgement, responses=AdvisorySerializer, parameters=[MATCH])
    def acknowledge(self, request: Request, key: str) -> Response:
        """Says that a person has seen it; it stays open until its cause is gone."""
        self.body(Acknowledgement)
        self._refuse_agents()
        by = {"person": request.user, "expected": self.expected, "actor": self.actor, "now": self.now}
        return self.answer(answering.acknowledge(self._advisory(key), **by))

    @extend_schema(request=Snooze, responses=AdvisorySerializer, parameters=[MATCH])
    def snooze(self, request: Request, key: str) -> Response:
        """Puts it off: until then it waits for nobody. It still resolves when its cause is gone."""
        given, now = self.body(Snooze), self.now
        self._refuse_agents()
        until = now + timedelta(minutes=given["minutes"]) if "minutes" in given else given["until"]
        by = {"expected": self.expected, "actor": self.actor, "now": now}
        return self.answer(answering.snooze(self._advisory(key), until=until, **by))

    def _refuse_agents(self) -> None:
        """Raises NotAllowed."""
        if is_service(self.request.user):
            raise NotAllowed("People answer advisories; agents read them.")

    def _advisory(self, key: str) -> Advisory:
        found: Advisory = numbered(self.get_queryset(), key)
        return found
