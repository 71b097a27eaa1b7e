"""Objectives, key results and requirements in the admin, changed through the service."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from coordinator.lib.admin import ServiceAdmin, chip_column
from traceability import rollup
from traceability.admin.callers import actor_of
from traceability.models import KeyResult, Objective, Requirement
from traceability.services import planning


class PlanningAdmin(ServiceAdmin):
    area = "planning"
    shown: tuple[str, ...] = ("version", "created_at", "updated_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*(self.fields or ()), *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (self.model.KEY, *self.shown) if obj else ()


class KeyResultInline(admin.TabularInline[KeyResult, Objective]):
    """What an objective is measured by; changed on the key result's own page."""

    model = KeyResult
    fields = readonly_fields = ("kr_id", "title", "start", "target", "current", "unit", "weight")
    ordering = ("pk",)
    extra = 0
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Objective)
class ObjectiveAdmin(PlanningAdmin):
    fields = ("objective_id", "title", "description", "owner", "status")
    list_display = ("objective_id", "title", chip_column(), "owner", "measured", "updated_at")
    list_filter = ("status",)
    search_fields = ("objective_id", "title", "description", "owner")
    date_hierarchy = "created_at"
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Objective]:
        return Objective.objects.shown()

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [KeyResultInline] if obj else []

    @admin.display(description="Progress")
    def measured(self, row: Objective) -> str:
        return percent(row.progress)

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return planning.create_objective(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        return planning.revise_objective(row, expected=None, actor=actor_of(request), now=timezone.now(), **data)


@admin.register(KeyResult)
class KeyResultAdmin(PlanningAdmin):
    fields = ("kr_id", "objective", "title", "start", "target", "current", "unit", "weight")
    list_display = ("kr_id", "title", "objective", "current", "target", "unit", "measured", "weight")
    list_filter = (("objective", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("objective",)
    search_fields = ("kr_id", "title", "objective__title", "objective__objective_id")
    ordering = ("pk",)

    @admin.display(description="Progress")
    def measured(self, row: KeyResult) -> str:
        return percent(row.progress)

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return planning.create_key_result(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        return planning.revise_key_result(row, expected=None, actor=actor_of(request), now=timezone.now(), **data)


class Covered(admin.SimpleListFilter):
    """Requirements that no task serves are the first thing to look for."""

    title = "tasks"
    parameter_name = "covered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No task serves it"), ("yes", "Some task serves it")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Requirement]:
        narrowed: dict[str | None, Any] = {"no": queryset.without_tasks, "yes": queryset.with_tasks}
        chosen: QuerySet[Requirement] = narrowed.get(self.value(), queryset.all)()
        return chosen


@admin.register(Requirement)
class RequirementAdmin(PlanningAdmin):
    fields = ("requirement_id", "title", "description", "key_result", "priority", "horizon", "status")
    shown = ("revision", *PlanningAdmin.shown)
    list_display = (
        "requirement_id", "title", "key_result", "priority", "horizon", chip_column(), "revision", "served", "suspects",
    )  # fmt: skip
    list_filter = ("status", "priority", "horizon", Covered)
    list_select_related = ("key_result",)
    search_fields = ("requirement_id", "title", "description")
    date_hierarchy = "created_at"
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Requirement]:
        done = Count("links", filter=Q(links__task__status=rollup.DONE))
        suspect = Count("links", filter=Q(links__revision__lt=F("revision")))
        return Requirement.objects.annotate(count_all=Count("links"), count_done=done, count_suspect=suspect)

    @admin.display(description="Tasks done")
    def served(self, row: Any) -> str:
        return f"{row.count_done} of {row.count_all}" if row.count_all else "no task"

    @admin.display(description="Suspect links")
    def suspects(self, row: Any) -> int:
        return int(row.count_suspect)

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return planning.create_requirement(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        return planning.revise_requirement(row, expected=None, actor=actor_of(request), now=timezone.now(), **data)


def percent(share: Any) -> str:
    return "not measured" if share is None else f"{float(share) * 100:.0f} %"
