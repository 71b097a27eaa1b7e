"""Policies over the API: kept as revisions, asked before an action, tried on the past."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Invalid
from coordinator.lib.filters import Choice, Search
from coordinator.lib.views import Endpoint, Lists, ResourceView, Shows
from policies import backtest, bundles, resolving
from policies.api import serializers as shapes
from policies.models import FIELDS, Decision, Policy, PolicyRevision
from policies.services import deciding, revising
from policies.services.deciding import Question, Verdict
from policies.subjects import Subjects
from policies.vocabulary import Mode, PolicyStatus

MOST_QUESTIONS = 100
PAST = ("after", "before", "limit")


class PolicyView(Lists, Shows, ResourceView):
    """A rule about actions: it blocks, escalates or warns. A change makes a new revision."""

    resource = "policy"
    serializer_class = shapes.PolicyShape
    queryset = Policy.objects.all()
    filters = {
        "status": Choice("status", PolicyStatus),
        "mode": Choice("mode", Mode),
        "q": Search("policy_id", "description", "owner"),
    }
    scopes = {
        "list": "policies:read",
        "retrieve": "policies:read",
        "create": "policies:write",
        "partial_update": "policies:write",
    }

    def create(self, request: Request) -> Response:
        policy = revising.create(**self.body(shapes.PolicyShape), actor=self.actor, now=self.now)
        return self.answer(policy, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        policy, fields = self.row(), self.body(shapes.PolicyShape, partial=True)
        revised = revising.revise(policy, expected=self.expected, actor=self.actor, now=self.now, **fields)
        return self.answer(revised)


class RevisionsView(ResourceView):
    """Every revision of a policy, the first first."""

    serializer_class = shapes.RevisionShape
    queryset = PolicyRevision.objects.select_related("policy")
    scopes = {"list": "policies:read"}

    def list(self, request: Request, key: str) -> Response:
        policy: Policy = Policy.objects.identified(key)
        return self.page(self.get_queryset().filter(policy=policy))


class EvaluateView(Endpoint):
    """An action asked about before it is done. We answer and record; the asker obeys."""

    scopes = {"evaluate": "policies:evaluate"}
    serializer_class = shapes.QuestionBody

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="Questions",
            serializers=[shapes.QuestionBody, shapes.QuestionBody(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses=OpenApiResponse(
            PolymorphicProxySerializer(
                component_name="Verdicts",
                serializers=[shapes.PolicyVerdictShape, shapes.PolicyVerdictShape(many=True)],
                resource_type_field_name=None,
                many=False,
            ),
            description="A list is answered by a list, in order.",
        ),
    )
    def evaluate(self, request: Request) -> Response:
        """What the policies say of one action, or of a list of up to 100: all are recorded, or none."""
        asked: Any = request.data
        listed = isinstance(asked, list)
        questions = self._questions(asked if listed else [asked], listed)
        verdicts = [shown(each) for each in deciding.evaluate(questions, actor=self.actor, now=self.now)]
        return Response(verdicts if listed else verdicts[0])

    def _questions(self, bodies: list[Any], listed: bool) -> list[Question]:
        if not 0 < len(bodies) <= MOST_QUESTIONS:
            raise Invalid({"body": [f"Ask about 1 to {MOST_QUESTIONS} actions."]})
        context = {"request": self.request, "registry": bundles.registry()}
        read: serializers.BaseSerializer[Any] = shapes.QuestionBody(
            data=bodies if listed else bodies[0], many=listed, context=context
        )
        read.is_valid(raise_exception=True)
        known: dict[tuple[Any, ...], Subjects] = {}
        asked = read.validated_data if listed else [read.validated_data]
        return [Question(action=each["action"], subjects=self._subjects(each, known)) for each in asked]

    def _subjects(self, asked: dict[str, Any], known: dict[tuple[Any, ...], Subjects]) -> Subjects:
        named = tuple(asked.get(noun) for noun in ("mission", "task", "agent"))
        if named not in known:
            mission, task, agent = named
            known[named] = resolving.resolve(mission=mission, task=task, agent=agent, user=self.request.user)
        return known[named]


class SimulateView(Endpoint):
    """A policy tried on the decision log: what it would have said, with nothing written."""

    scopes = {"stored": "policies:read", "draft": "policies:read"}
    serializer_class = shapes.ReportShape

    @extend_schema(operation_id="policy_simulate", request=shapes.PastBody, responses=shapes.ReportShape)
    def stored(self, request: Request, key: str) -> Response:
        """A stored policy, as it stands now, on the recorded past."""
        policy: Policy = Policy.objects.identified(key)
        past = self.body(shapes.PastBody)
        return self._report(policy.values_of(*FIELDS), policy.key, policy.version, past)

    @extend_schema(request=shapes.DraftBody, responses=shapes.ReportShape)
    def draft(self, request: Request) -> Response:
        """A draft in the body, on the recorded past; nothing is stored."""
        fields = self.body(shapes.DraftBody)
        past = {name: fields.pop(name) for name in PAST if name in fields}
        return self._report(revising.drafted(fields), "draft", 0, past)

    def _report(self, content: dict[str, Any], key: str, revision: int, past: dict[str, Any]) -> Response:
        rule = bundles.rule_of(content, policy=0, key=key, revision=revision)
        report = backtest.run(rule, between(past), limit=past["limit"])
        return Response(shapes.ReportShape(report.as_data()).data)


def between(past: dict[str, Any]) -> QuerySet[Decision]:
    rows = Decision.objects.all()
    if "after" in past:
        rows = rows.filter(at__gte=past["after"])
    return rows.filter(at__lt=past["before"]) if "before" in past else rows


def shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": str(verdict.outcome),
        "decisions": verdict.as_data(),
        "approval": verdict.approval_id,
        "decision_id": verdict.decision_id,
        "bundle_hash": verdict.bundle_hash,
    }
