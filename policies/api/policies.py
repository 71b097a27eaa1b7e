"""Policies over the API: kept as revisions, asked before an action, tried on the past."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.filters import Choice, Flag, Search
from coordinator.lib.schema import MATCH
from coordinator.lib.views import Endpoint, Lists, ResourceView, Shows
from policies import backtest, bundles
from policies.api import serializers as shapes
from policies.engine import Rule
from policies.models import FIELDS, Decision, Policy, PolicyRevision
from policies.services import revising
from policies.vocabulary import Mode, PolicyStatus

PAST = ("after", "before", "limit")


def untested(rows: Any) -> QuerySet[Policy]:
    return rows.untested()  # type: ignore[no-any-return]


def stale(rows: Any) -> QuerySet[Policy]:
    return rows.stale(timezone.now())  # type: ignore[no-any-return]


class PolicyView(Lists, Shows, ResourceView):
    """A rule about actions: it blocks, escalates or warns. A change makes a new revision."""

    resource = "policy"
    serializer_class = shapes.PolicyShape
    queryset = Policy.objects.all()
    filters = {
        "status": Choice("status", PolicyStatus),
        "mode": Choice("mode", Mode),
        "untested": Flag(untested, description="Those without a test that matches and one that does not."),
        "stale": Flag(stale, description="Active ones that matched nothing in the last 30 days."),
        "q": Search("policy_id", "description", "owner"),
    }
    scopes = {
        "list": "policies:read",
        "retrieve": "policies:read",
        "create": "policies:write",
        "partial_update": "policies:write",
        "activate": "policies:write",
    }

    def create(self, request: Request) -> Response:
        policy = revising.create(**self.body(shapes.PolicyShape), actor=self.actor, now=self.now)
        return self.answer(policy, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        policy, fields = self.row(), self.body(shapes.PolicyShape, partial=True)
        revised = revising.revise(policy, expected=self.expected, actor=self.actor, now=self.now, **fields)
        return self.answer(revised)

    @extend_schema(request=shapes.ActivateBody, responses=shapes.PolicyShape, parameters=[MATCH])
    def activate(self, request: Request, key: str) -> Response:
        """Puts a revision in force, as the next revision: rolling back is activating an old one."""
        policy, body = self.row(), self.body(shapes.ActivateBody)
        return self.answer(revising.activate(policy, expected=self.expected, actor=self.actor, now=self.now, **body))


class RevisionsView(ResourceView):
    """Every revision of a policy, the first first."""

    serializer_class = shapes.RevisionShape
    queryset = PolicyRevision.objects.select_related("policy")
    scopes = {"list": "policies:read"}

    def list(self, request: Request, key: str) -> Response:
        policy: Policy = Policy.objects.identified(key)
        return self.page(self.get_queryset().filter(policy=policy))


class SimulateView(Endpoint):
    """A policy tried on the decision log: what it would have said, with nothing written."""

    scopes = {"stored": "policies:read", "draft": "policies:read"}
    serializer_class = shapes.ReportShape

    @extend_schema(operation_id="policy_simulate", request=shapes.PastBody, responses=shapes.ReportShape)
    def stored(self, request: Request, key: str) -> Response:
        """A stored policy, as it stands now, on the recorded past."""
        policy: Policy = Policy.objects.identified(key)
        past = self.body(shapes.PastBody)
        rule = bundles.rule_of(policy.values_of(*FIELDS), policy=policy.pk, key=policy.key, revision=policy.version)
        return self._report(rule, past)

    @extend_schema(request=shapes.DraftBody, responses=shapes.ReportShape)
    def draft(self, request: Request) -> Response:
        """A draft in the body, on the recorded past; nothing is stored."""
        fields = self.body(shapes.DraftBody)
        past = {name: fields.pop(name) for name in PAST if name in fields}
        return self._report(bundles.rule_of(revising.drafted(fields), policy=0, key="", revision=0), past)

    def _report(self, rule: Rule, past: dict[str, Any]) -> Response:
        report = backtest.run(rule, between(past), limit=past["limit"])
        return Response(shapes.ReportShape(report.as_data()).data)


def between(past: dict[str, Any]) -> QuerySet[Decision]:
    rows = Decision.objects.all()
    if "after" in past:
        rows = rows.filter(at__gte=past["after"])
    return rows.filter(at__lt=past["before"]) if "before" in past else rows
