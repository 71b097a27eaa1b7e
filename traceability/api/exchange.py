"""The tree of the plan, and the plan out of and into files."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Invalid, Malformed
from coordinator.lib.serializers import Strict, Text, Truth
from coordinator.lib.views import Endpoint
from traceability import coverage, exporting
from traceability.formats import FORMS, json_form
from traceability.formats.rows import Rows, Unreadable
from traceability.importing import Plan
from traceability.services import carrying_in

MOST_ITEMS = 20_000
OUTCOMES = ["created", "changed", "unchanged", "skipped"]


class StatsShape(serializers.Serializer[Any]):
    total_objectives = serializers.IntegerField()
    total_key_results = serializers.IntegerField()
    total_requirements = serializers.IntegerField()
    total_tasks = serializers.IntegerField()
    linked_tasks = serializers.IntegerField(help_text="Tasks that serve at least one requirement.")
    unlinked_tasks = serializers.IntegerField()
    task_coverage = serializers.FloatField(help_text="Linked tasks, percent of all.")


class TreeShape(serializers.Serializer[Any]):
    objectives = serializers.ListField(
        child=serializers.JSONField(),
        help_text="Each with `key_results`, each with `requirements`, each with `tasks`. `progress` is measured "
        "(key results) or counted (tasks done), 0 to 1; `work` is counted from tasks; null: nothing to say. A task is "
        "`suspect` when the requirement's words changed after it was linked.",
    )
    requirements_without_key_result = serializers.ListField(child=serializers.JSONField())
    requirements_without_tasks = serializers.ListField(child=serializers.CharField())
    stats = StatsShape()


class ImportBody(Strict):
    """The export's JSON form (`items`), or `format` with its `content`."""

    format = serializers.ChoiceField(choices=sorted(FORMS), default="json")
    content = Text(required=False, allow_blank=True, help_text="The file's text.")
    items = serializers.ListField(
        child=serializers.JSONField(), required=False, max_length=MOST_ITEMS, help_text="Rows as the JSON export has."
    )
    dry_run = Truth(default=True, help_text="true (the default) only tells what would be done.")

    def validate(self, body: dict[str, Any]) -> dict[str, Any]:
        if ("content" in body) == ("items" in body):
            raise serializers.ValidationError("Give either `items`, or `format` and `content`.")
        if "items" in body and body["format"] != "json":
            raise serializers.ValidationError({"items": ["Only the form json has items; give `content`."]})
        return body


class StepShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    type = serializers.CharField()
    id = serializers.CharField(source="key")
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    changes = serializers.ListField(child=serializers.CharField(), help_text="The values that are new.")


class FaultShape(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    value = serializers.CharField(source="field")
    text = serializers.CharField()


class ImportShape(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Rows of tasks: missions make those.")
    steps = StepShape(many=True)
    errors = FaultShape(  # type: ignore[assignment]
        many=True, help_text="What is wrong, line by line; with errors nothing is imported."
    )
    not_in_file = serializers.ListField(child=serializers.CharField(), help_text="Stands here; an import leaves it.")


class TraceabilityView(Endpoint):
    """From goals to work: Objective, KeyResult, Requirement, Task."""

    asking = frozenset({"export"})
    scopes = {"retrieve": "planning:read", "export": "planning:read", "carry_in": "planning:write"}
    serializer_class = TreeShape

    @extend_schema(responses=TreeShape)
    def retrieve(self, request: Request) -> Response:
        """The whole tree with what is covered."""
        return Response(coverage.tree())

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=list(FORMS), description="json when left out.")],
        responses={
            (200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "JSON"),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "CSV"),
            (200, "text/markdown"): OpenApiResponse(OpenApiTypes.STR, "Markdown"),
            (200, "application/xml"): OpenApiResponse(OpenApiTypes.STR, "ReqIF 1.2"),
        },
    )
    def export(self, request: Request) -> HttpResponse:
        """The plan as a file, as `import` reads it."""
        if unknown := [name for name in request.query_params if name != "format"]:
            raise Malformed(f"There is no parameter {unknown[0][:50]!r} here; this takes format.")
        form = request.query_params.get("format", "json")
        if form not in FORMS:
            raise Malformed(f"{form[:50]!r} is not one of {', '.join(FORMS)}.")
        answer = HttpResponse(exporting.export(form, self.now), content_type=FORMS[form].media_type)
        answer["Content-Disposition"] = f'attachment; filename="traceability.{form}"'
        return answer

    @extend_schema(request=ImportBody, responses=ImportShape)
    def carry_in(self, request: Request) -> Response:
        """Reads a file: tells what it would do, and with `dry_run` false does all of it or nothing (422)."""
        body = self.body(ImportBody)
        rows, faults = _read(body)
        dry_run = body["dry_run"]
        plan = carrying_in.import_rows(rows, faults, dry_run=dry_run, actor=self.actor, now=self.now)
        return Response(ImportShape(_told(plan, dry_run)).data)


def _read(body: dict[str, Any]) -> Rows:
    if "items" in body:
        return json_form.read_items(body["items"])
    try:
        rows, faults = FORMS[body["format"]].read(body["content"])
    except Unreadable as problem:
        raise Invalid({"content": [str(problem)]}) from problem
    if len(rows) > MOST_ITEMS:
        raise Invalid({"content": [f"At most {MOST_ITEMS} rows at once."]})
    return rows, faults


def _told(plan: Plan, dry_run: bool) -> dict[str, Any]:
    counts = {name: plan.count(name) for name in OUTCOMES}  # type: ignore[arg-type]
    return {
        "dry_run": dry_run,
        **counts,
        "steps": plan.steps,
        "errors": plan.faults,
        "not_in_file": plan.missing,
    }
