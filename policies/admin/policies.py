"""Policies in the admin: a form whose save is a revision, and starters to begin with."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import ServiceAdmin, chip, chip_column
from policies import drafts, starting
from policies.models import FIELDS, Policy, PolicyRevision
from policies.services import revising

LISTS = {"require", "tests"}
"""What is an empty list when nothing is written."""


class Json(forms.JSONField):
    """JSON as a person reads it: nothing is an empty box, and the rest is laid out."""

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, InvalidJSONInput):
            return value or ""
        return json.dumps(value, indent=2, ensure_ascii=False)


class ListOf(Json):
    """A JSON list; an empty box is an empty list."""

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return [] if found is None else found


class PolicyForm(forms.ModelForm[Policy]):
    change_note = forms.CharField(required=False, max_length=500, help_text="Why it changes; kept with the revision.")

    class Meta:
        model = Policy
        fields = ("policy_id", *FIELDS)
        field_classes = {
            "conditions": Json,
            "actions": Json,
            "scope": Json,
            **dict.fromkeys(sorted(LISTS), ListOf),
        }


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


class Attention(admin.SimpleListFilter):
    """What somebody should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("untested", "Untested"), ("stale", "No match in 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: Any = queryset
        if self.value() == "untested":
            return rows.untested()  # type: ignore[no-any-return]
        return rows.stale(timezone.now()) if self.value() == "stale" else queryset


@admin.register(Policy)
class PolicyAdmin(ServiceAdmin):
    area = "policies"
    form = PolicyForm
    fields = ("policy_id", *FIELDS, "change_note")
    list_display = ("policy_id", chip_column(), "outcome", "mode", "tested", "owner", "version", "updated_at")
    list_filter = ("status", "mode", Attention)
    search_fields = ("policy_id", "description", "owner")
    ordering = ("policy_id",)
    inlines = (RevisionsInline,)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "starters": starting.told()})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A starter that the address names fills the form, which a person then reads, changes and saves."""
        return starting.content_of(request.GET.get("starter", ""))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("policy_id",) if obj else ()

    @admin.display(description="Outcome")
    def outcome(self, row: Policy) -> str:
        return chip(str(drafts.outcome_of(row.actions)))

    @admin.display(description="Tested", boolean=True)
    def tested(self, row: Policy) -> bool:
        return not row.untested

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Policy:
        return revising.create(**data, actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Policy, data: dict[str, Any]) -> Policy:
        return revising.revise(row, expected=None, **data, actor=actor_of(request), now=timezone.now())
