"""A mission's own trace: read, verified, replayed."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.serializers import Instant, Strict, Whole
from coordinator.lib.views import ResourceView
from missions import replay
from missions.models import Mission
from traceability import verifying
from traceability.api.trace import FILTERS, EntryShape, VerdictShape, one_at_a_time
from traceability.models import Entry


@extend_schema_field({"type": ["integer", "string"]})
class Until(serializers.JSONField):
    """An entry's id or a time."""


class UntilBody(Strict):
    until = Until(required=False, allow_null=True, help_text="A trace entry's id, or an RFC 3339 time.")

    def validate_until(self, value: Any) -> Any:
        if value is None:
            return None
        return Instant().run_validation(value) if isinstance(value, str) else Whole(min_value=0).run_validation(value)


class ReplayShape(serializers.Serializer[Any]):
    entries = serializers.IntegerField()
    state = serializers.JSONField()
    matches_current = serializers.BooleanField(allow_null=True)
    differences = serializers.ListField(child=serializers.JSONField())
    timeline = serializers.ListField(child=serializers.JSONField())


class ReplayView(ResourceView):
    """What the ledger says of one mission."""

    serializer_class = EntryShape
    queryset = Entry.objects.all()
    filters = {name: each for name, each in FILTERS.items() if name != "mission"}
    asking = frozenset({"trace"})
    scopes = {"trace": "trace:read", "verify": "trace:read", "replay": "trace:read"}

    @property
    def mission(self) -> Mission:
        return Mission.objects.identified(self.kwargs["key"])

    def get_queryset(self) -> QuerySet[Entry]:
        rows = super().get_queryset()
        return rows.of_mission(self.mission.pk) if "key" in self.kwargs else rows  # type: ignore[attr-defined]

    @extend_schema(responses=EntryShape(many=True))
    def trace(self, request: Request, key: str) -> Response:
        """The mission's entries, oldest first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=VerdictShape)
    def verify(self, request: Request, key: str) -> Response:
        """Checks the mission's chain."""
        with one_at_a_time():
            return Response(verifying.verify(f"mission:{self.mission.pk}").as_data())

    @extend_schema(request=UntilBody, responses=ReplayShape)
    def replay(self, request: Request, key: str) -> Response:
        """Rebuilds the mission from its trace, as it is or as it was, and compares it with the live rows."""
        return Response(replay.replay(self.mission, until=self.body(UntilBody).get("until")))
