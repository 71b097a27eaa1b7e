from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip
from knowledge import search
from knowledge.models import Document, DocumentQuerySet, EmbeddingSpace, IndexState, Passage
from knowledge.services import indexing, ingesting

PASSAGES_SHOWN = 50
WORDS = {IndexState.READY: "indexed", IndexState.PENDING: "pending", IndexState.FAILED: "failed"}


class PassageInline(admin.TabularInline[Passage, Document]):
    """The first passages, as search reads them."""

    model = Passage
    fields = readonly_fields = ("ordinal", "heading_path", "text")
    ordering = ["ordinal"]
    extra = 0
    can_delete = False
    verbose_name_plural = f"Passages (the first {PASSAGES_SHOWN})"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Passage]:
        return super().get_queryset(request).filter(ordinal__lt=PASSAGES_SHOWN)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Document)
class DocumentAdmin(ServiceAdmin):
    area = "knowledge"
    list_display = ["title", "kind", "mission_key", "author", "index", "version", "updated_at"]
    list_filter = ["kind", "index_state", "updated_at"]
    ordering = ["-updated_at"]
    search_fields = ["title"]
    search_help_text = "By words and by meaning."
    fields = ("title", "kind", "content", "tags", "metadata")
    shown = (
        "document_id",
        "mission_key",
        "task_key",
        "author",
        "index",
        "sha256",
        "version",
        "created_at",
        "updated_at",
    )
    inlines = [PassageInline]
    actions = ["embed_again", "remove"]

    def get_queryset(self, request: HttpRequest) -> DocumentQuerySet:
        return Document.objects.active()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return (*self.fields, *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.shown

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [PassageInline] if obj else []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        found = [hit.document.pk for hit in search.answer(search_term, limit=50).hits]
        return queryset.filter(pk__in=found), False

    @admin.display(description="Search index", ordering="index_state")
    def index(self, row: Document) -> str:
        return chip(WORDS[IndexState(row.index_state)])

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        draft = ingesting.Draft(**_plain(data))
        return ingesting.store_document(draft, actor=actor_of(request), now=timezone.now())[0]

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        return ingesting.revise_document(row, _plain(data), expected=None, actor=actor_of(request), now=timezone.now())

    @admin.action(description="Embed again", permissions=["write"])
    def embed_again(self, request: HttpRequest, rows: QuerySet[Document]) -> HttpResponse | None:
        return self.each(request, rows, indexing.queue_again, "{} queued to be embedded again.")

    @admin.action(description="Remove", permissions=["write"])
    def remove(self, request: HttpRequest, rows: QuerySet[Document]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()

        def one(row: Document) -> None:
            ingesting.remove_document(row, expected=None, actor=actor, now=now)

        return self.each(request, rows, one, "{} removed.")


@admin.register(EmbeddingSpace)
class EmbeddingSpaceAdmin(ReadOnlyAdmin):
    area = "knowledge"
    list_display = ["provider", "model", "dimensions", "state", "created_at"]


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """The form's values as the service takes them."""
    return {name: (value or {}) if name == "metadata" else value for name, value in data.items()}
