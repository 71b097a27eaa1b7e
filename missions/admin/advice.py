"""What the coordinator advises."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from coordinator.lib.admin import ServiceAdmin, chip, chip_column
from missions.admin.bases import by
from missions.models import Advisory
from missions.services import answering

DAY = timedelta(days=1)


@admin.register(Advisory)
class AdvisoryAdmin(ServiceAdmin):
    write_scope = "tasks:review"
    list_display = (
        "message", chip_column("severity"), "kind", "mission", "task", "agent", "standing", "opened_at",
        "acknowledged_by", "put_off",
    )  # fmt: skip
    list_select_related = ("mission", "task", "agent", "acknowledged_by")
    list_filter = (
        "severity", "kind", ("resolved_at", admin.EmptyFieldListFilter),
        ("acknowledged_at", admin.EmptyFieldListFilter), ("snoozed_until", admin.EmptyFieldListFilter),
    )  # fmt: skip
    search_fields = ("message", "cause", "mission__mission_id", "task__task_id", "agent__agent_id")
    date_hierarchy = "opened_at"
    ordering = ("-pk",)
    actions = ("acknowledge", "snooze", "take_up")

    @admin.display(description="State", ordering="resolved_at")
    def standing(self, row: Advisory) -> str:
        if row.resolved_at is not None:
            return chip("completed", "Resolved")
        return chip("review", "Seen") if row.acknowledged_at else chip("active", "Open")

    @admin.display(description="Put off until", ordering="snoozed_until")
    def put_off(self, row: Advisory) -> datetime | None:
        return row.snoozed_until if row.resolved_at is None else None

    @admin.action(description="Acknowledge the chosen advisories", permissions=["write"])
    def acknowledge(self, request: HttpRequest, rows: QuerySet[Advisory]) -> HttpResponse | None:
        said: dict[str, Any] = {"person": request.user, **by(request)}
        return self.each(request, rows, lambda row: answering.acknowledge(row, **said), "{} acknowledged.")

    @admin.action(description="Put the chosen advisories off for a day", permissions=["write"])
    def snooze(self, request: HttpRequest, rows: QuerySet[Advisory]) -> HttpResponse | None:
        said = by(request)
        until = said["now"] + DAY
        return self.each(request, rows, lambda row: answering.snooze(row, until=until, **said), "{} put off.")

    @admin.action(description="Take the chosen advisories up again", permissions=["write"])
    def take_up(self, request: HttpRequest, rows: QuerySet[Advisory]) -> HttpResponse | None:
        said = by(request)
        return self.each(request, rows, lambda row: answering.snooze(row, until=None, **said), "{} taken up again.")
