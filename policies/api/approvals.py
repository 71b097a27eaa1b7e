"""The decision log, and what waits for a person."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.filters import Choice, Equals, Made, Since
from coordinator.lib.models import numbered
from coordinator.lib.schema import MATCH
from coordinator.lib.views import Lists, ResourceView
from policies.api import log_serializers as shapes
from policies.models import Approval, Decision, Policy
from policies.services import deciding, escalating
from policies.vocabulary import ApprovalState, Outcome

POINTS = (deciding.AGENT_ACTION, *settings.APPROVAL_RELEASES)
"""Where policies are asked: by agents before they act, and by the rooms above before they move something."""


def about(noun: str) -> Made:
    """Rows about one mission, task or agent, named by id or key. An unknown one gives an empty list."""

    def narrow(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value.isascii() and value.isdigit():
            return rows.filter(**{f"{noun}_id": int(value)}) if len(value) < 19 else rows.none()
        return rows.filter(**{f"{noun}_key": value}) if value else rows.none()

    return Made(narrow, "An integer id or a public key.")


def by_policy(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    found = Policy.objects.named(value).values_list("pk", flat=True).first()
    return rows.none() if found is None else rows.by_policy(found)  # type: ignore[attr-defined]


class DecisionView(Lists, ResourceView):
    """Every decision of the policies, with all that they were told."""

    serializer_class = shapes.DecisionShape
    queryset = Decision.objects.all()
    scopes = {"list": "policies:read", "retrieve": "policies:read"}
    filters = {
        "policy": Made(by_policy, "A policy that matched, by id or key."),
        "outcome": Choice("outcome", Outcome),
        "agent": about("agent"),
        "task": about("task"),
        "mission": about("mission"),
        "point": Choice("point", POINTS),
        "action_type": Equals("action_type"),
        "after": Since("at"),
        "before": Since("at", "lt"),
    }

    def retrieve(self, request: Request, key: str) -> Response:
        return self.answer(numbered(self.get_queryset(), key))


class ApprovalView(Lists, ResourceView):
    """Held actions: who asked, about what, why it is held, and until when. Past the deadline it is rejected."""

    resource = "approval"
    serializer_class = shapes.ApprovalShape
    queryset = Approval.objects.select_related("requester", "decided_by")
    scopes = {
        "list": "policies:read",
        "retrieve": "policies:read",
        "approve": "approvals:decide",
        "reject": "approvals:decide",
    }
    filters = {
        "state": Choice("state", ApprovalState),
        "agent": about("agent"),
        "task": about("task"),
        "mission": about("mission"),
        "action_type": Equals("action_type"),
        "point": Choice("point", POINTS),
    }

    def retrieve(self, request: Request, key: str) -> Response:
        return self.answer(numbered(self.get_queryset(), key))

    @extend_schema(request=shapes.DecideBody, responses=shapes.ApprovalShape, parameters=[MATCH])
    def approve(self, request: Request, key: str) -> Response:
        """Grants it and does what was held; 409 when it was decided already or no longer fits."""
        return self._decide(escalating.approve, key)

    @extend_schema(request=shapes.DecideBody, responses=shapes.ApprovalShape, parameters=[MATCH])
    def reject(self, request: Request, key: str) -> Response:
        """Refuses it; until its deadline the same action is blocked."""
        return self._decide(escalating.reject, key)

    def _decide(self, word: Any, key: str) -> Response:
        approval = numbered(self.get_queryset(), key)
        comment = self.body(shapes.DecideBody)["comment"]
        return self.answer(
            word(
                approval,
                person=self.request.user,
                comment=comment,
                expected=self.expected,
                actor=self.actor,
                now=self.now,
            )
        )
