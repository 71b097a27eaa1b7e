"""Waivers over the API: asked for by whoever may ask the policies, granted and revoked by people."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Invalid
from coordinator.lib.filters import Choice, Made
from coordinator.lib.models import numbered
from coordinator.lib.schema import MATCH
from coordinator.lib.views import Lists, ResourceView
from policies import backtest, resolving
from policies.api import waiver_serializers as shapes
from policies.api.approvals import about
from policies.models import Decision, Policy, Waiver, WaiverState
from policies.services import waiving
from policies.services.waiving import NOUNS, Cover

ROWS = Waiver.objects.select_related("policy", "requester", "grantor", "revoked_by")


def of_policy(rows: Any, value: str) -> Any:
    return rows.filter(policy__in=Policy.objects.named(value).values("pk"))


class PolicyWaiverView(ResourceView):
    """The waivers of one policy: for a while, and so many times, it does not bind what they name."""

    resource = "waiver"
    serializer_class = shapes.WaiverShape
    queryset = ROWS
    scopes = {"list": "policies:read", "create": "policies:evaluate"}
    filters = {
        "state": Choice("state", WaiverState),
        "agent": about("agent"),
        "task": about("task"),
        "mission": about("mission"),
    }

    def list(self, request: Request, key: str) -> Response:
        policy: Policy = Policy.objects.identified(key)
        return self.page(self.get_queryset().filter(policy=policy))

    @extend_schema(request=shapes.WaiverBody, responses={201: shapes.WaiverShape})
    def create(self, request: Request, key: str) -> Response:
        """Asks for a waiver. It holds when a person who is another grants it; an agent asks for itself alone."""
        policy: Policy = Policy.objects.identified(key)
        body = self.body(shapes.WaiverBody)
        named = {noun: body.pop(noun, None) for noun in NOUNS}
        decision = body.pop("decision", None)
        cover = self._cover(named, self._digest(policy, decision))
        waiver = waiving.request(policy, cover, **body, person=self.request.user, actor=self.actor, now=self.now)
        return self.answer(waiver, status.HTTP_201_CREATED)

    def _cover(self, named: dict[str, Any], digest: str) -> Cover:
        found = resolving.resolve(**named, user=self.request.user)
        refs = {noun: getattr(found, noun) for noun in NOUNS if named[noun] is not None}
        if self.request.user.kind != "person":
            refs["agent"] = found.agent
        return Cover(**refs, digest=digest)

    def _digest(self, policy: Policy, number: int | None) -> str:
        if number is None:
            return ""
        decision = Decision.objects.by_policy(policy.pk).filter(pk=number).first()
        if decision is None:
            raise Invalid({"decision": [f"There is no decision {number} in which {policy.key} matched."]})
        return waiving.digest_of(backtest.facts_of(decision))


class WaiverView(Lists, ResourceView):
    """Waivers of all policies: who asked, for what, who granted it, until when, and how many uses are left."""

    resource = "waiver"
    serializer_class = shapes.WaiverShape
    queryset = ROWS
    scopes = {
        "list": "policies:read",
        "retrieve": "policies:read",
        "grant": "approvals:decide",
        "revoke": "approvals:decide",
    }
    filters = {**PolicyWaiverView.filters, "policy": Made(of_policy, "A policy, by id or key.")}

    def retrieve(self, request: Request, key: str) -> Response:
        return self.answer(numbered(self.get_queryset(), key))

    @extend_schema(request=shapes.SettleBody, responses=shapes.WaiverShape, parameters=[MATCH])
    def grant(self, request: Request, key: str) -> Response:
        """From now on it holds. Never by who asked for it, and never by an agent: 403."""
        return self._settle(waiving.grant, key)

    @extend_schema(request=shapes.SettleBody, responses=shapes.WaiverShape, parameters=[MATCH])
    def revoke(self, request: Request, key: str) -> Response:
        """Ends it at once, or refuses what was only asked for."""
        return self._settle(waiving.revoke, key)

    def _settle(self, word: Any, key: str) -> Response:
        waiver = numbered(self.get_queryset(), key)
        self.body(shapes.SettleBody)
        settled = word(waiver, person=self.request.user, expected=self.expected, actor=self.actor, now=self.now)
        return self.fresh(settled)
