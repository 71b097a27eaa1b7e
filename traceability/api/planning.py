"""Objectives, key results and requirements over the API."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.filters import Belongs, Choice, Flag, Search
from coordinator.lib.views import Lists, ResourceView, Shows
from traceability.api.serializers import KeyResultShape, ObjectiveShape, RequirementShape
from traceability.models import KeyResult, Objective, ObjectiveStatus, Requirement, RequirementStatus
from traceability.services import planning

SCOPES = {
    "list": "planning:read",
    "retrieve": "planning:read",
    "create": "planning:write",
    "partial_update": "planning:write",
}


class ObjectiveView(Lists, Shows, ResourceView):
    """A strategic goal; its key results say how far it is."""

    resource = "objective"
    serializer_class = ObjectiveShape
    queryset = Objective.objects.shown()
    filters = {"status": Choice("status", ObjectiveStatus), "q": Search("title", "description", "objective_id")}
    scopes = SCOPES

    def create(self, request: Request) -> Response:
        fields = self.body(ObjectiveShape)
        objective = planning.create_objective(**fields, actor=self.actor, now=self.now)
        return self.answer(objective, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        """Changes what differs."""
        objective, fields = self.row(), self.body(ObjectiveShape, partial=True)
        revised = planning.revise_objective(objective, expected=self.expected, actor=self.actor, now=self.now, **fields)
        return self.answer(revised)


class KeyResultView(Shows, ResourceView):
    """A measurable outcome: where it started, where it is, where it should be."""

    resource = "key_result"
    serializer_class = KeyResultShape
    queryset = KeyResult.objects.shown()
    scopes = SCOPES

    def partial_update(self, request: Request, key: str) -> Response:
        """Changes what differs; a new `current` is how it is measured."""
        result, fields = self.row(), self.body(KeyResultShape, partial=True)
        revised = planning.revise_key_result(result, expected=self.expected, actor=self.actor, now=self.now, **fields)
        return self.answer(revised)


class KeyResultsOfObjective(Lists, ResourceView):
    """The key results of one objective."""

    resource = "key_result"
    serializer_class = KeyResultShape
    queryset = KeyResult.objects.shown()
    filters = {"q": Search("title", "kr_id")}
    scopes = SCOPES

    @property
    def objective(self) -> Objective:
        return Objective.objects.identified(self.kwargs["objective"])

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows.filter(objective=self.objective) if "objective" in self.kwargs else rows

    def create(self, request: Request, objective: str) -> Response:
        owner, fields = self.objective, self.body(KeyResultShape)
        result = planning.create_key_result(objective=owner, **fields, actor=self.actor, now=self.now)
        return self.answer(result, status.HTTP_201_CREATED)


def _covered(rows: Any) -> Any:
    return rows.with_tasks()


def _uncovered(rows: Any) -> Any:
    return rows.without_tasks()


class RequirementView(Lists, Shows, ResourceView):
    """What must be true. Tasks link to it at a revision, so that a change of its words shows."""

    resource = "requirement"
    serializer_class = RequirementShape
    queryset = Requirement.objects.shown()
    filters = {
        "status": Choice("status", RequirementStatus),
        "priority": Choice("priority", Requirement.Priority),
        "horizon": Choice("horizon", Requirement.Horizon),
        "key_result": Belongs("key_result", KeyResult),
        "objective": Belongs("key_result__objective", Objective),
        "covered": Flag(_covered, _uncovered, "true: some task serves it; false: none."),
        "q": Search("title", "description", "requirement_id"),
    }
    scopes = SCOPES

    def create(self, request: Request) -> Response:
        fields = self.body(RequirementShape)
        requirement = planning.create_requirement(**fields, actor=self.actor, now=self.now)
        return self.answer(requirement, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, key: str) -> Response:
        """Changes what differs. Other words make a new revision, and the links to the old one suspect."""
        requirement, fields = self.row(), self.body(RequirementShape, partial=True)
        revised = planning.revise_requirement(
            requirement, expected=self.expected, actor=self.actor, now=self.now, **fields
        )
        return self.answer(revised)
