"""The ledger and its archives in the admin: shown, and texts erased through the service."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html

from coordinator.lib.admin import ReadOnlyAdmin, holds
from coordinator.lib.errors import Refusal
from traceability import archiving, bodies, topics
from traceability.admin.callers import actor_of
from traceability.models import Archive, Entry
from traceability.services import erasing
from traceability.services.erasing import Order


class Noun(admin.SimpleListFilter):
    """What the entry tells of, by the first word of its kind."""

    title = "what it tells of"
    parameter_name = "noun"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = set(topics.PLURALS).difference(topics.hidden_from(getattr(request.user, "scopes", ())))
        return [(noun, noun.replace("_", " ")) for noun in sorted(shown)]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Entry]:
        chosen: QuerySet[Entry] = queryset.of_kind(self.value()) if self.value() else queryset
        return chosen


class ReasonForm(ActionForm):
    """Why texts are erased; it stays on record."""

    reason = forms.CharField(required=False, label="Reason")


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The ledger: shown, filtered, searched. Nothing of it changes; texts that must go are erased, on record."""

    area = "trace"
    list_display = ("id", "recorded_at", "kind", "actor_name", "about", "stream", "seq", "request_id")
    list_filter = (Noun, "actor_kind", "recorded_at")
    search_fields = ("kind", "actor_name", "stream", "subject_key", "request_id")
    date_hierarchy = "recorded_at"
    ordering = ("-pk",)
    actions = ("erase",)
    action_form = ReasonForm
    fields = (
        "stream", "seq", "kind", "schema", "actor_kind", "actor_id", "actor_name", "on_behalf_of", "request_id",
        "about", "occurred_at", "recorded_at", "told", "digest",
    )  # fmt: skip
    readonly_fields = ("about", "told", "digest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return Entry.objects.readable_with(getattr(request.user, "scopes", ()))

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return holds(request.user, "trace:erase")

    @admin.action(description="Erase every erasable text, with the reason", permissions=["erase"])
    def erase(self, request: HttpRequest, rows: QuerySet[Entry]) -> None:
        try:
            order = Order(reason=request.POST.get("reason", ""), actor=actor_of(request), now=timezone.now())
            for row in rows:
                erasing.eraser().erase(row, bodies.held(row.body), order)
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.message_user(request, "The texts are erased.", messages.SUCCESS)

    @admin.display(description="About")
    def about(self, row: Entry) -> str:
        named = (row.key_of(noun) for noun in ("task", "mission", "agent", "subject"))
        return ", ".join(key for key in named if key)

    @admin.display(description="Canonical text")
    def told(self, row: Entry) -> str:
        return format_html("<pre>{}</pre>", row.canonical)

    @admin.display(description="Hash")
    def digest(self, row: Entry) -> str:
        return bytes(row.hash).hex()


@admin.register(Archive)
class ArchiveAdmin(ReadOnlyAdmin):
    """Which entries stand in files, and whether the files are where they should be."""

    area = "trace"
    list_display = ("stream", "entries", "archived_at", "file", "size", "digest_of_file")
    list_filter = ("archived_at",)
    search_fields = ("stream", "sha256")
    date_hierarchy = "archived_at"
    ordering = ("-pk",)
    actions = None
    fields = readonly_fields = (
        "stream", "first_seq", "last_seq", "last_id", "archived_at", "file", "size", "sha256", "digest",
    )  # fmt: skip

    @admin.display(description="Entries", ordering="first_seq")
    def entries(self, row: Archive) -> str:
        return f"{row.first_seq} to {row.last_seq}"

    @admin.display(description="SHA-256 of the file")
    def digest_of_file(self, row: Archive) -> str:
        return f"{row.sha256[:16]}…"

    @admin.display(description="File")
    def file(self, row: Archive) -> str:
        return archiving.path_of(row).name

    @admin.display(description="Size")
    def size(self, row: Archive) -> str:
        path = archiving.path_of(row)
        return filesizeformat(path.stat().st_size) if path.is_file() else "the file is not here"

    @admin.display(description="Hash of the last entry")
    def digest(self, row: Archive) -> str:
        return bytes(row.hash).hex()
