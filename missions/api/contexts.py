"""What helps to decide about a task: its context within a number of tokens, and the agents that fit it."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Malformed
from coordinator.lib.views import ResourceView
from missions import briefs, routing
from missions.models import Task

MAX_TOKENS = OpenApiParameter(
    "max_tokens",
    {"type": "integer", "minimum": briefs.LEAST_TOKENS, "maximum": briefs.MOST_TOKENS, "default": briefs.USUAL_TOKENS},
    OpenApiParameter.QUERY,
    description="The answer holds no more; a token is reckoned as 3.5 bytes of JSON.",
)


class SectionShape(serializers.Serializer[Any]):
    section = serializers.CharField()
    items = serializers.ListField(child=serializers.DictField())


class LeftOutShape(serializers.Serializer[Any]):
    section = serializers.CharField()
    items = serializers.IntegerField()
    tokens = serializers.IntegerField()


class ContextShape(serializers.Serializer[Any]):
    task = serializers.CharField()
    max_tokens = serializers.IntegerField()
    at = serializers.DateTimeField()
    tokens = serializers.IntegerField()
    sections = SectionShape(many=True)
    left_out = LeftOutShape(many=True)


class CandidateShape(serializers.Serializer[Any]):
    agent = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    score = serializers.FloatField()
    parts = serializers.DictField(child=serializers.FloatField())
    reasons = serializers.ListField(child=serializers.CharField())


class CandidatesShape(serializers.Serializer[Any]):
    task = serializers.CharField()
    candidates = CandidateShape(many=True)


class AdviceView(ResourceView):
    """Advice on one task; nothing of it is an order."""

    asking = frozenset({"context"})
    scopes = {"context": "tasks:read", "candidates": "tasks:read"}
    queryset = Task.objects.shown()
    serializer_class = ContextShape

    @extend_schema(parameters=[MAX_TOKENS], responses=ContextShape)
    def context(self, request: Request, key: str) -> Response:
        """The goals above the task, criteria, dependencies and their outputs, review comments, policies, advisories,
        the best passages of knowledge and the recent trace, within `max_tokens`; it says what it left out."""
        return Response(briefs.of(self.row(), max_tokens=_tokens(request.query_params), now=self.now))

    @extend_schema(responses=CandidatesShape)
    def candidates(self, request: Request, key: str) -> Response:
        """Agents ranked for the task by capability, record, load and cost, each with its reasons."""
        task = self.row(Task.objects.all())
        return Response({"task": task.key, "candidates": routing.candidates(task)})


def _tokens(params: Any) -> int:
    """Raises Malformed."""
    for name in params:
        if name != "max_tokens":
            raise Malformed(f"There is no parameter {name[:50]!r} here; this takes max_tokens.")
    given = params.get("max_tokens", str(briefs.USUAL_TOKENS))
    known = given.isascii() and given.isdigit() and len(given) < 8
    if not known or not briefs.LEAST_TOKENS <= int(given) <= briefs.MOST_TOKENS:
        raise Malformed(f"max_tokens must be a whole number from {briefs.LEAST_TOKENS} to {briefs.MOST_TOKENS}.")
    return int(given)
