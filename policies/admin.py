"""Policies, decisions and approvals in the admin: every change through the services."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip, chip_column
from policies import drafts
from policies.models import Approval, Decision, Policy, PolicyRevision
from policies.services import escalating, revising

CONTENT = (
    "description", "owner", "status", "mode", "conditions", "actions", "scope", "require", "priority", "on_error",
    "valid_from", "valid_until",
)  # fmt: skip


class PolicyForm(forms.ModelForm[Policy]):
    change_note = forms.CharField(required=False, max_length=500, help_text="Why it changes; kept with the revision.")

    class Meta:
        model = Policy
        fields = ("policy_id", *CONTENT)


class RevisionsInline(admin.TabularInline[Any, Any]):
    """The history, the latest first; nothing in it can be changed."""

    model = PolicyRevision
    fields = ("n", "created_at", "author", "change_note", "status", "mode", "conditions", "actions", "scope")
    readonly_fields = fields
    ordering = ("-n",)
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Policy)
class PolicyAdmin(ServiceAdmin):
    area = "policies"
    form = PolicyForm
    fields = ("policy_id", *CONTENT, "change_note")
    list_display = ("policy_id", chip_column(), "outcome", "mode", "owner", "version", "updated_at")
    list_filter = ("status", "mode")
    search_fields = ("policy_id", "description", "owner")
    ordering = ("policy_id",)
    inlines = (RevisionsInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("policy_id",) if obj else ()

    @admin.display(description="Outcome")
    def outcome(self, row: Policy) -> str:
        return chip(str(drafts.outcome_of(row.actions)))

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Policy:
        return revising.create(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Policy, data: dict[str, Any]) -> Policy:
        return revising.revise(row, expected=None, **data, actor=actor_of(request), now=timezone.now())


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
    list_display = ("summary", chip_column("state"), "requester_name", "agent_key", "created_at", "expires_at", "by")
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
