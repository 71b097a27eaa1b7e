"""Sprints over the API: made, revised, started, completed, and how they go."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.filters import Choice, Search
from coordinator.lib.views import Endpoint, Lists, ResourceView, Shows
from sprints import progress
from sprints.api.serializers import BurnDownShape, NoFields, SprintShape, VelocityShape
from sprints.lifecycle import SprintStatus
from sprints.models import Sprint
from sprints.services import opening

LOOKED_BACK = 12
"""How many completed sprints the velocity shows."""


class SprintView(Lists, Shows, ResourceView):
    """A time box with a goal; tasks of any mission may be in it."""

    resource = "sprint"
    serializer_class = SprintShape
    queryset = Sprint.objects.all()
    filters = {"status": Choice("status", SprintStatus), "q": Search("name", "goal", "sprint_id")}
    scopes = {
        "list": "sprints:read",
        "retrieve": "sprints:read",
        "burndown": "sprints:read",
        "create": "sprints:write",
        "partial_update": "sprints:write",
        "start": "sprints:write",
        "complete": "sprints:write",
    }

    def create(self, request: Request) -> Response:
        """A new sprint is planned, or active when `status` says so."""
        sprint = opening.create_sprint(**self.body(SprintShape), actor=self.actor, now=self.now)
        return self.answer(sprint, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        """Changes what differs; the status only along planned, active, completed."""
        sprint, fields = self.row(), self.body(SprintShape, partial=True)
        return self.answer(opening.revise_sprint(sprint, **fields, **self.by))

    @extend_schema(request=NoFields)
    def start(self, request: Request, key: str) -> Response:
        """Starts a planned sprint."""
        sprint, _ = self.row(), self.body(NoFields)
        return self.answer(opening.start_sprint(sprint, **self.by))

    @extend_schema(request=NoFields)
    def complete(self, request: Request, key: str) -> Response:
        """Closes an active sprint. Tasks that are not done stay as they are."""
        sprint, _ = self.row(), self.body(NoFields)
        return self.answer(opening.complete_sprint(sprint, **self.by))

    @extend_schema(responses=BurnDownShape)
    def burndown(self, request: Request, key: str) -> Response:
        """The sprint day by day: what was in it and what of it was done, as the ledger tells it."""
        return Response(BurnDownShape(progress.burn_down(self.row(), self.now)).data)

    @property
    def by(self) -> dict[str, Any]:
        """Who changes which version, and when."""
        return {"expected": self.expected, "actor": self.actor, "now": self.now}


class VelocityView(Endpoint):
    """What the last completed sprints took on and finished."""

    scopes = {"retrieve": "sprints:read"}
    serializer_class = VelocityShape

    def retrieve(self, request: Request) -> Response:
        """The last twelve completed sprints, the oldest first, and the mean of the last three."""
        return Response(VelocityShape(progress.velocity(Sprint.objects.latest_completed(LOOKED_BACK))).data)
