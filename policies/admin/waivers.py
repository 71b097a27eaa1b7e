"""Waivers in the admin: granted and revoked by actions, never edited."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ServiceAdmin, chip_column
from policies.models import Waiver
from policies.services import waiving


@admin.register(Waiver)
class WaiverAdmin(ServiceAdmin):
    """Asked for over the API; a person who is another than the asker grants."""

    area = "policies"
    write_scope = "approvals:decide"
    list_display = (
        "policy", chip_column("state"), "agent_key", "task_key", "mission_key", "one_action", "reason",
        "requester_name", "grantor", "uses_left", "uses", "expires_at",
    )  # fmt: skip
    list_select_related = ("policy", "grantor")
    list_filter = ("state",)
    search_fields = ("policy__policy_id", "reason", "requester_name", "agent_key", "task_key", "mission_key")
    ordering = ("-pk",)
    actions = ("grant", "revoke")

    @admin.display(description="One action", boolean=True)
    def one_action(self, row: Waiver) -> bool:
        return bool(row.digest)

    @admin.action(description="Grant the chosen waivers", permissions=["write"])
    def grant(self, request: HttpRequest, rows: QuerySet[Waiver]) -> HttpResponse | None:
        return self._settle(request, rows, waiving.grant, "{} granted.")

    @admin.action(description="Revoke the chosen waivers", permissions=["write"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Waiver]) -> HttpResponse | None:
        return self._settle(request, rows, waiving.revoke, "{} revoked.")

    def _settle(
        self, request: HttpRequest, rows: QuerySet[Waiver], word: Callable[..., Waiver], done: str
    ) -> HttpResponse | None:
        person, actor, now = request.user, actor_of(request), timezone.now()

        def settle(row: Any) -> Waiver:
            return word(row, person=person, actor=actor, now=now)

        return self.each(request, rows, settle, done)
