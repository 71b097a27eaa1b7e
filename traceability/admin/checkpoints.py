"""Checkpoints in the admin: shown, with their signed text."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from coordinator.lib.admin import ReadOnlyAdmin
from traceability.models import Checkpoint


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """Where every stream stood, signed; and whether the place outside has accepted it."""

    area = "trace"
    list_display = ("n", "at", "size", "streams", "root_hash", "published_at")
    list_filter = ("at", ("published_at", admin.EmptyFieldListFilter))
    search_fields = ("=n", "note")
    date_hierarchy = "at"
    ordering = ("-n",)
    actions = None
    fields = readonly_fields = ("n", "at", "size", "streams", "root_hash", "signed", "published_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Checkpoint]:
        return Checkpoint.objects.defer("heads")

    @admin.display(description="Root")
    def root_hash(self, row: Checkpoint) -> str:
        return bytes(row.root).hex()

    @admin.display(description="Note")
    def signed(self, row: Checkpoint) -> str:
        return format_html("<pre>{}</pre>", row.note)
