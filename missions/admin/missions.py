"""Missions, their processes and who takes part."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip_column
from missions.admin.bases import BUDGET, SPENT, History, by, refuse_held
from missions.admin.forms import MissionForm
from missions.lifecycle import MissionStatus
from missions.models import Mission, MissionProcess, Participation
from missions.services import hosting, planning, steering


class ParticipationHistory(History):
    model = Participation
    fields = ("agent", "member", "role", "joined_at")
    related = ("agent", "member")


class ProcessHistory(History):
    model = MissionProcess
    fields = (
        "state",
        "wanted",
        "host",
        "owner",
        "epoch",
        "restarts",
        "restart_at",
        "since",
        "last_error",
        "last_error_at",
    )


@admin.register(Mission)
class MissionAdmin(ServiceAdmin):
    form = MissionForm
    fields = MissionForm.Meta.fields
    shown = ("status", "tasks_link", "cost_usd", "started_at", "ended_at", "version", "created_at", "updated_at")
    list_display = (
        "mission_id", "goal", chip_column(), "done", BUDGET, SPENT, "owner", "deadline", "updated_at",
    )  # fmt: skip
    list_filter = ("status", "review_required", "four_eyes", ("owner", admin.RelatedOnlyFieldListFilter))
    search_fields = ("mission_id", "goal", "description")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    inlines = (ProcessHistory, ParticipationHistory)
    actions = ("start", "pause", "complete", "cancel", "restart")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mission]:
        return Mission.objects.counted().select_related("owner")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("mission_id", *self.shown) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    @admin.display(description="Tasks done")
    def done(self, row: Any) -> str:
        return f"{row.count_completed} of {row.count_all}"

    @admin.display(description="Tasks")
    def tasks_link(self, row: Mission) -> str:
        address = f"{reverse('admin:missions_task_changelist')}?mission__id__exact={row.pk}"
        return format_html('<a href="{}">The tasks of this mission</a>', address)

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Mission:
        return planning.create_mission(**data, **by(request))

    def change_through(self, request: HttpRequest, row: Mission, data: dict[str, Any]) -> Mission:
        return planning.revise_mission(row, expected=None, **data, **by(request))

    @admin.action(description="Start", permissions=["write"])
    def start(self, request: HttpRequest, rows: QuerySet[Mission]) -> HttpResponse | None:
        return self._move(request, rows, MissionStatus.ACTIVE, "{} started.")

    @admin.action(description="Pause", permissions=["write"])
    def pause(self, request: HttpRequest, rows: QuerySet[Mission]) -> HttpResponse | None:
        return self._move(request, rows, MissionStatus.PAUSED, "{} paused.")

    @admin.action(description="Complete", permissions=["write"])
    def complete(self, request: HttpRequest, rows: QuerySet[Mission]) -> HttpResponse | None:
        return self._move(request, rows, MissionStatus.COMPLETED, "{} completed.")

    @admin.action(description="Cancel", permissions=["write"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Mission]) -> HttpResponse | None:
        return self._move(request, rows, MissionStatus.CANCELLED, "{} cancelled.")

    @admin.action(description="Restart the process", permissions=["write"])
    def restart(self, request: HttpRequest, rows: QuerySet[Mission]) -> HttpResponse | None:
        now = by(request)
        return self.each(request, rows, lambda row: hosting.restart(row, **now), "{} processes start again.")

    def _move(
        self, request: HttpRequest, rows: QuerySet[Mission], after: MissionStatus, done: str
    ) -> HttpResponse | None:
        now = by(request)
        return self.each(
            request, rows, lambda row: refuse_held(steering.move_mission(row, after, expected=None, **now)), done
        )


@admin.register(Participation)
class ParticipationAdmin(ReadOnlyAdmin):
    list_display = ("mission", "agent", "member", "role", "joined_at")
    list_select_related = ("mission", "agent", "member")
    list_filter = ("role", ("agent", admin.RelatedOnlyFieldListFilter))
    search_fields = ("mission__mission_id", "agent__agent_id", "member__email")
    date_hierarchy = "joined_at"
    ordering = ("-pk",)
