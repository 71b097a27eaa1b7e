from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import NotAllowed
from coordinator.lib.filters import Choice, Made, Search
from coordinator.lib.views import Endpoint, Lists, ResourceView, Shows
from knowledge import search
from knowledge.api.serializers import (
    AnswerShape,
    DocumentBody,
    DocumentChanges,
    DocumentShape,
    DocumentSummary,
    SearchBody,
)
from knowledge.models import Document, DocumentQuerySet, IndexState, Kind
from knowledge.services import ingesting


def _about(noun: str) -> Made:
    """The filter by a mission or a task. An unknown one gives an empty list."""

    def by(rows: Any, value: str) -> DocumentQuerySet:
        found: DocumentQuerySet = rows.about(noun, value)
        return found

    return Made(by, "An integer id or a public key.")


class DocumentView(Lists, Shows, ResourceView):
    """Documents that people and agents keep."""

    resource = "document"
    scopes = {
        "list": "knowledge:read",
        "retrieve": "knowledge:read",
        "create": "knowledge:write",
        "partial_update": "knowledge:write",
        "destroy": "knowledge:write",
    }
    queryset = Document.objects.active()
    serializer_class = DocumentShape
    filters = {
        "mission": _about("mission"),
        "task": _about("task"),
        "tag": Made(lambda rows, value: rows.filter(tags__contains=[value]), "Documents that have this tag."),
        "kind": Choice("kind", Kind),
        "index_state": Choice("index_state", IndexState),
        "q": Search("title"),
    }

    def get_queryset(self) -> DocumentQuerySet:
        rows = Document.objects.active()
        return rows.without_content() if self.action == "list" else rows

    def get_serializer_class(self) -> Any:
        return DocumentSummary if self.action == "list" else DocumentShape

    @extend_schema(
        request=DocumentBody,
        responses={
            201: DocumentShape,
            200: OpenApiResponse(DocumentShape, description="This content is stored already: the first document."),
        },
    )
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Store a document. The same content again answers 200 with the first document."""
        draft = ingesting.Draft(**self.body(DocumentBody))
        document, is_new = ingesting.store_document(draft, actor=self.actor, now=self.now)
        return self.answer(document, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(request=DocumentChanges, responses=DocumentShape)
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        """Change a document. Passages that read the same keep their vectors."""
        changes = self.body(DocumentChanges, partial=True)
        document = self._own()
        document = ingesting.revise_document(document, changes, expected=self.expected, actor=self.actor, now=self.now)
        return self.answer(document)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Take a document's text away for good."""
        ingesting.remove_document(self._own(), expected=self.expected, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _own(self) -> Document:
        """The document that the path names. Raises NotAllowed for an agent's token and another's document."""
        document: Document = self.row()
        if self.request.user.kind == "service" and document.author != self.request.user.email:
            raise NotAllowed("An agent changes the documents that it stored; people change all.")
        return document


class SearchView(Endpoint):
    """Documents found by meaning, by words, or by both."""

    resource = "search"
    scopes = {"search": "knowledge:read"}
    serializer_class = SearchBody

    @extend_schema(request=SearchBody, responses=AnswerShape)
    def search(self, request: Request, **kwargs: Any) -> Response:
        """Search documents: hybrid (words and meaning), semantic (meaning) or text (words)."""
        asked = self.body(SearchBody)
        answer = search.answer(
            asked["query"],
            limit=asked["limit"],
            narrowed=_filter(asked.get("filter", {})),
            mode=search.Mode(asked["mode"]),
        )
        return Response(AnswerShape(answer).data)


def _filter(asked: dict[str, Any]) -> search.Filter:
    return search.Filter(
        mission=asked.get("mission"),
        task=asked.get("task"),
        tags=tuple(asked.get("tags", ())),
        kinds=(asked["kind"],) if "kind" in asked else (),
        metadata=asked.get("metadata", {}),
    )
