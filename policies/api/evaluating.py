"""Asking before acting."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Invalid
from coordinator.lib.views import Endpoint
from policies import bundles, resolving
from policies.api.question_serializers import PolicyVerdictShape, QuestionBody
from policies.services import deciding
from policies.services.deciding import Question, Verdict
from policies.subjects import Subjects
from policies.vocabulary import Outcome

MOST_QUESTIONS = 100


class EvaluateView(Endpoint):
    """An action asked about before it is done. We answer and record; the asker obeys."""

    scopes = {"evaluate": "policies:evaluate"}
    serializer_class = QuestionBody

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="Questions",
            serializers=[QuestionBody, QuestionBody(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses=OpenApiResponse(
            PolymorphicProxySerializer(
                component_name="Verdicts",
                serializers=[PolicyVerdictShape, PolicyVerdictShape(many=True)],
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
        read: serializers.BaseSerializer[Any] = QuestionBody(
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


def shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": str(verdict.outcome),
        "decisions": verdict.as_data(),
        "approval": verdict.approval_id if verdict.outcome == Outcome.ESCALATE else None,
        "decision_id": verdict.decision_id,
        "bundle_hash": verdict.bundle_hash,
    }
