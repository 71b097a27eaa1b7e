"""Tokens and cost: reported once each, summed up by agent, task, mission, model and day."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import costs, spending
from agents.api.serializers import USAGE_SCHEMA, MeteredShape
from agents.models import Agent, Usage
from coordinator.lib import filters as filtering
from coordinator.lib.errors import Invalid, Malformed
from coordinator.lib.filters import Belongs, Choice, Equals, Since
from coordinator.lib.serializers import Money
from coordinator.lib.views import Endpoint
from missions.models import Mission, Task
from missions.services import metering
from missions.services.metering import Reported

MOST = 100
WHOSE = ("agent", "task", "mission")
NAME = {"type": ["string", "integer", "null"], "description": "An integer id or a public key."}
REPORT_SCHEMA: dict[str, Any] = {
    **USAGE_SCHEMA,
    "properties": {**{name: NAME for name in WHOSE}, **USAGE_SCHEMA["properties"]},
}
REPORTS_SCHEMA: dict[str, Any] = {
    "oneOf": [REPORT_SCHEMA, {"type": "array", "items": REPORT_SCHEMA, "minItems": 1, "maxItems": MOST}],
}
FILTERS: dict[str, Any] = {
    "agent": Belongs("agent", Agent),
    "task": Belongs("task_id", Task),
    "mission": Belongs("mission_id", Mission),
    "model": Equals("model"),
    "source": Choice("source", Usage.Source),
    "after": Since("at"),
    "before": Since("at", "lt"),
}


class MeteredList(serializers.Serializer[Any]):
    results = MeteredShape(many=True)
    counted = serializers.IntegerField(help_text="How many were not counted before.")


class GroupShape(serializers.Serializer[Any]):
    agent = serializers.CharField(required=False, allow_null=True)
    task = serializers.CharField(required=False, allow_null=True)
    mission = serializers.CharField(required=False, allow_null=True)
    model = serializers.CharField(required=False, allow_null=True)
    day = serializers.DateField(required=False)
    reports = serializers.IntegerField()
    tokens = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    cost_usd = Money(allow_null=True, help_text="What is known; null when nothing is.")
    cost_reported_usd = Money(allow_null=True)
    cost_computed_usd = Money(allow_null=True)
    reports_by_source = serializers.DictField(child=serializers.IntegerField())
    tokens_by_source = serializers.DictField(child=serializers.IntegerField())


class SpendingShape(serializers.Serializer[Any]):
    group_by = serializers.ListField(child=serializers.CharField())
    results = GroupShape(many=True)
    truncated = serializers.BooleanField(help_text="There are more groups than are answered.")


GROUP_BY = OpenApiParameter("group_by", str, description=f"Any of {', '.join(spending.BY)}, separated by commas.")
ASKED = [GROUP_BY, *[OpenApiParameter(name, str, description=each.description) for name, each in FILTERS.items()]]
ANSWERS = PolymorphicProxySerializer(
    component_name="UsageCounted",
    serializers=[MeteredShape, MeteredList],
    resource_type_field_name=None,
    many=False,
)


class UsageReportView(Endpoint):
    """What agents used."""

    resource = "usage"
    asking = frozenset({"summary"})
    scopes = {"report": "usage:write", "summary": "usage:read"}
    serializer_class = SpendingShape

    @extend_schema(request={"application/json": REPORTS_SCHEMA}, responses={200: ANSWERS, 201: ANSWERS})
    def report(self, request: Request) -> Response:
        """Counts one use or a list of up to 100, each `usage_id` once for an agent: 201, or 200 when all were known."""
        reports, many = self._reports()
        metered = metering.report(reports, user=request.user, actor=self.actor, now=self.now)
        told = [MeteredShape(each).data for each in metered]
        new = sum(each.counted for each in metered)
        code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
        return Response({"results": told, "counted": new} if many else told[0], status=code)

    @extend_schema(parameters=ASKED, responses=SpendingShape)
    def summary(self, request: Request) -> Response:
        """Tokens and money by group, with what was reported, what we computed, and how much nobody knows."""
        by = _grouping(request.query_params.get("group_by", "agent"))
        rows = filtering.narrow(Usage.objects.all(), request.query_params, FILTERS, also=("group_by",))
        groups, more = spending.grouped(rows, by)
        return Response(SpendingShape({"group_by": by, "results": groups, "truncated": more}).data)

    def _reports(self) -> tuple[list[Reported], bool]:
        data = self.request.data
        data = data[self.resource] if isinstance(data, dict) and set(data) == {self.resource} else data
        many = isinstance(data, list)
        if many and not 1 <= len(data) <= MOST:
            raise Invalid({"body": [f"Send 1 to {MOST} uses at a time; this list has {len(data)}."]})
        return [
            _reported(each, f"{index}." if many else "") for index, each in enumerate(data if many else [data])
        ], many


def _reported(data: Any, where: str) -> Reported:
    """One report of the body. Raises Invalid naming each field that breaks a rule."""
    if not isinstance(data, dict):
        raise Invalid({where.rstrip(".") or "body": ["This must be an object."]})
    whose = {name: data[name] for name in WHOSE if data.get(name) is not None}
    errors = {
        name: ["Name it by its integer id or its public key."] for name, value in whose.items() if not _names(value)
    }
    try:
        use = costs.read({name: value for name, value in data.items() if name not in WHOSE})
    except Invalid as invalid:
        errors |= invalid.errors
    if errors:
        raise Invalid({f"{where}{name}": texts for name, texts in errors.items()})
    return Reported(use=use, **whose)


def _names(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _grouping(asked: str) -> list[str]:
    """The wanted groups, each once. Raises Malformed."""
    wanted = list(dict.fromkeys(word for word in asked.split(",")))
    if unknown := [word for word in wanted if word not in spending.BY]:
        raise Malformed(f"{unknown[0][:50]!r} is not one of {', '.join(spending.BY)}.")
    return wanted
