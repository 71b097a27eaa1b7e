"""Objectives, key results and requirements in the admin, changed through the service; the ledger, only shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, F, Model, Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html

from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip_column, holds
from coordinator.lib.errors import Refusal
from traceability import archiving, bodies, rollup, topics
from traceability.events import Actor
from traceability.models import Archive, Entry, KeyResult, Objective, Requirement
from traceability.services import erasing, planning
from traceability.services.erasing import Order


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
    list_display = ("stream", "first_seq", "last_seq", "archived_at", "file", "size", "sha256")
    list_filter = ("archived_at",)
    search_fields = ("stream", "sha256")
    date_hierarchy = "archived_at"
    ordering = ("-pk",)
    actions = None
    fields = readonly_fields = (
        "stream", "first_seq", "last_seq", "last_id", "archived_at", "file", "size", "sha256", "digest",
    )  # fmt: skip

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


def actor_of(request: HttpRequest) -> Actor:
    """The ledger's actor: only people come to the admin."""
    user: Any = request.user
    return Actor("person", user.pk, str(user), request_id=getattr(request, "request_id", None))


def percent(share: Any) -> str:
    return "not measured" if share is None else f"{float(share) * 100:.0f} %"
