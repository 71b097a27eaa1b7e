"""A mission's own trace: read, verified, replayed."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.serializers import Instant, Strict, Whole
from coordinator.lib.views import ResourceView
from missions import archiving, replay
from missions.models import Mission
from traceability import verifying
from traceability.api.proofs import VerdictShape
from traceability.api.trace import FILTERS, EntryShape, one_at_a_time
from traceability.models import Entry


@extend_schema_field({"type": ["integer", "string"]})
class MomentField(serializers.JSONField):
    """An entry's id or a time."""

    def to_internal_value(self, data: Any) -> Any:
        field = Instant() if isinstance(data, str) else Whole(min_value=0, max_value=2**63 - 1)
        return field.run_validation(data)


class ReplayBody(Strict):
    until = MomentField(
        required=False, allow_null=True, help_text="A trace entry's id, or an RFC 3339 time; left out: now."
    )
    compare = MomentField(
        required=False, allow_null=True, help_text="Another such moment, to compare with instead of the live rows."
    )


class ReplayShape(serializers.Serializer[Any]):
    entries = serializers.IntegerField(help_text="How many entries were folded.")
    state = serializers.JSONField(help_text="The mission as it was after the last of them.")
    matches_current = serializers.BooleanField(allow_null=True, help_text="null with `compare`.")
    differences = serializers.ListField(
        child=serializers.JSONField(),
        help_text="`path`, `replayed`, and `current` (the live rows) or, with `compare`, `compared` (that moment).",
    )
    timeline = serializers.ListField(child=serializers.JSONField(), help_text="One line for each entry.")


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

    @extend_schema(responses=EntryShape(many=True))
    def trace(self, request: Request, key: str) -> Response:
        """The mission's entries, oldest first, archived ones too; 503 when the file of archived ones is away."""
        return self.page(archiving.entries_of(self.mission))

    @extend_schema(responses=VerdictShape)
    def verify(self, request: Request, key: str) -> Response:
        """Checks the mission's chain."""
        with one_at_a_time():
            return Response(verifying.prove(f"mission:{self.mission.pk}").as_data())

    @extend_schema(request=ReplayBody, responses=ReplayShape)
    def replay(self, request: Request, key: str) -> Response:
        """Rebuilds the mission from its trace, as it is or as it was, and compares it with the live rows.

        With `compare` it is compared with another moment of its own. A trace that does not fold: 409; an id
        beyond the ledger's newest entry: 422.
        """
        asked = self.body(ReplayBody)
        return Response(replay.replay(self.mission, until=asked.get("until"), compare=asked.get("compare")))
