"""The runs of tasks by adapters, with what they put out."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from coordinator.lib.admin import ServiceAdmin, chip_column
from missions import outputs
from missions.admin.bases import SPENT, by
from missions.models import Execution
from missions.services import executing


@admin.register(Execution)
class ExecutionAdmin(ServiceAdmin):
    area = "tasks"
    fields = (
        "task", "agent", "adapter", "key", "state", "attempt", "max_attempts", "retry_on", "failure", "failure_detail",
        "cost_usd", "host", "process_group", "remote_id", "heartbeat_at", "lease_until", "run_after",
        "cancel_requested", "created_at", "started_at", "ended_at", "prompt", "put_out",
    )  # fmt: skip
    readonly_fields = ("put_out",)
    list_display = (
        "id", "task", "agent", "adapter", chip_column("state"), "tries", "failure", SPENT, "host", "heartbeat_at",
        "created_at", "ended_at",
    )  # fmt: skip
    list_select_related = ("task", "agent")
    list_filter = (
        "state", "adapter", "failure", ("agent", admin.RelatedOnlyFieldListFilter),
        ("mission", admin.RelatedOnlyFieldListFilter),
    )  # fmt: skip
    search_fields = ("task__task_id", "agent__agent_id", "mission__mission_id", "key", "failure_detail")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    actions = ("cancel",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).defer("prompt", "output")

    @admin.display(description="Attempt", ordering="attempt")
    def tries(self, row: Execution) -> str:
        return f"{row.attempt} of {row.max_attempts}"

    @admin.display(description="Output")
    def put_out(self, row: Execution) -> str:
        return format_html("<pre>{}</pre>", row.output if row.has_ended else outputs.whole(row.pk))

    @admin.action(description="Cancel the chosen runs", permissions=["write"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Execution]) -> HttpResponse | None:
        said: dict[str, Any] = by(request)
        return self.each(request, rows, lambda row: executing.cancel(row, **said), "{} asked to stop.")
