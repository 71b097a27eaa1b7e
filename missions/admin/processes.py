"""Mission processes, the hosts that hold them, how missions stand, and the queues' workers. Only a restart changes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip_column
from missions.admin.bases import by
from missions.models import MissionHost, MissionProcess, MissionStanding, WorkerHost
from missions.services import hosting


@admin.register(MissionProcess)
class MissionProcessAdmin(ServiceAdmin):
    list_display = ("mission", chip_column("state"), "wanted", "host", "owner", "restarts", "since", "error")
    list_select_related = ("mission", "owner")
    list_filter = ("state", "wanted", "host")
    search_fields = ("mission__mission_id", "mission__goal", "host", "last_error")
    ordering = ("-since", "-pk")
    actions = ("restart",)

    @admin.display(description="Last error")
    def error(self, row: MissionProcess) -> str:
        return row.last_error.strip().rpartition("\n")[2][:120] or "-"

    @admin.action(description="Restart", permissions=["write"])
    def restart(self, request: HttpRequest, rows: QuerySet[MissionProcess]) -> HttpResponse | None:
        now = by(request)
        return self.each(request, rows, lambda row: hosting.restart(row.mission, **now), "{} processes start again.")


@admin.register(MissionHost)
class MissionHostAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "machine", "pid", chip_column("state"), "missions", "applied", "lag", "beat_at", "lease_until",
        "started_at",
    )  # fmt: skip
    list_filter = ("state", "machine", "version")
    search_fields = ("machine",)
    ordering = ("-pk",)

    @admin.display(description="Behind", ordering="lag_ms")
    def lag(self, row: MissionHost) -> str:
        return f"{row.lag_ms:.0f} ms"


@admin.register(MissionStanding)
class MissionStandingAdmin(ReadOnlyAdmin):
    list_display = ("mission", "seq", "progress", "tasks", "at")
    list_select_related = ("mission",)
    search_fields = ("mission__mission_id", "mission__goal")
    ordering = ("-at", "-pk")

    @admin.display(description="Progress")
    def progress(self, row: MissionStanding) -> str:
        share: Any = row.figures.get("progress")
        return "-" if share is None else f"{share:.0%}"

    @admin.display(description="Tasks")
    def tasks(self, row: MissionStanding) -> str:
        return (
            ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(row.counts.items())) or "none"
        )


@admin.register(WorkerHost)
class WorkerHostAdmin(ReadOnlyAdmin):
    list_display = ("name", "queue", "pid", "started_at", "beat_at")
    list_filter = ("queue",)
    search_fields = ("name",)
    ordering = ("-beat_at",)
