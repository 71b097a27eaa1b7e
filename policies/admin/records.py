"""Decisions and approvals in the admin: what was decided is shown, what waits is decided by an action."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip_column
from policies.models import Approval, Decision
from policies.services import escalating


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    area = "policies"
    list_display = ("at", chip_column("outcome"), "action_type", "actor_name", "agent_key", "task_key", "mission_key")
    list_filter = ("outcome", "point", "action_type")
    search_fields = ("action_type", "actor_name", "agent_key", "task_key", "mission_key")
    ordering = ("-pk",)


@admin.register(Approval)
class ApprovalAdmin(ServiceAdmin):
    """Decided by an action, one by one; never edited."""

    area = "policies"
    write_scope = "approvals:decide"
    list_display = (
        "summary",
        chip_column("state"),
        "requester_name",
        "remark",
        "agent_key",
        "created_at",
        "expires_at",
        "by",
    )
    list_select_related = ("decided_by",)
    list_filter = ("state", "action_type")
    search_fields = ("summary", "reason", "requester_name", "agent_key", "task_key", "mission_key")
    ordering = ("-pk",)
    actions = ("approve", "reject")

    @admin.display(description="Decided by")
    def by(self, row: Approval) -> str:
        return str(row.decided_by or "")

    @admin.action(description="Approve the chosen approvals", permissions=["write"])
    def approve(self, request: HttpRequest, rows: QuerySet[Approval]) -> HttpResponse | None:
        return self._decide(request, rows, escalating.approve, "{} approved.")

    @admin.action(description="Reject the chosen approvals", permissions=["write"])
    def reject(self, request: HttpRequest, rows: QuerySet[Approval]) -> HttpResponse | None:
        return self._decide(request, rows, escalating.reject, "{} rejected.")

    def _decide(
        self, request: HttpRequest, rows: QuerySet[Approval], word: Callable[..., Approval], done: str
    ) -> HttpResponse | None:
        actor, now, person = actor_of(request), timezone.now(), request.user

        def decide(row: Approval) -> Approval:
            return word(row, person=person, comment="", actor=actor, now=now)

        return self.each(request, rows, decide, done)
