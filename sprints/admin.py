"""Sprints in the admin; every change goes through the service."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ServiceAdmin, chip_column
from sprints.models import Sprint
from sprints.progress import DONE
from sprints.services import opening


@admin.register(Sprint)
class SprintAdmin(ServiceAdmin):
    area = "sprints"
    fields = ("sprint_id", "name", "goal", "start_date", "end_date", "status")
    shown = ("started_at", "completed_at", "version", "created_at", "updated_at")
    list_display = ("sprint_id", "name", chip_column(), "start_date", "end_date", "done", "goal")
    list_filter = ("status",)
    search_fields = ("sprint_id", "name", "goal")
    date_hierarchy = "start_date"
    ordering = ("-start_date", "-pk")
    actions = ("start", "complete")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sprint]:
        counts = {"count_all": Count("tasks"), "count_done": Count("tasks", filter=Q(tasks__status=DONE))}
        rows: QuerySet[Sprint] = Sprint.objects.annotate(**counts)
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("sprint_id", *self.shown) if obj else ()

    @admin.display(description="Tasks done")
    def done(self, row: Any) -> str:
        return f"{row.count_done} of {row.count_all}"

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return opening.create_sprint(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        return opening.revise_sprint(row, **data, **_by(request))

    @admin.action(description="Start the chosen sprints", permissions=["write"])
    def start(self, request: HttpRequest, rows: QuerySet[Sprint]) -> HttpResponse | None:
        by = _by(request)
        return self.each(request, rows, lambda row: opening.start_sprint(row, **by), "{} started.")

    @admin.action(description="Complete the chosen sprints", permissions=["write"])
    def complete(self, request: HttpRequest, rows: QuerySet[Sprint]) -> HttpResponse | None:
        by = _by(request)
        return self.each(request, rows, lambda row: opening.complete_sprint(row, **by), "{} completed.")


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"expected": None, "actor": actor_of(request), "now": timezone.now()}
