"""What the admins of this app share: histories that only show, and who acts when."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth import actor_of
from coordinator.lib.admin import money_column
from coordinator.lib.errors import Conflict

BUDGET = money_column("budget_usd", "Budget")
SPENT = money_column("cost_usd", "Spent")


def by(request: HttpRequest) -> dict[str, Any]:
    """Who acts, and when, for a service."""
    return {"actor": actor_of(request), "now": timezone.now()}


class HeldForApproval(Conflict):
    """A policy holds this until somebody approves it."""


def refuse_held(approval: int | None) -> None:
    """Raises HeldForApproval when a policy holds the move."""
    if approval is not None:
        raise HeldForApproval(f"A policy holds this until approval {approval} is decided.")


class CommentForm(ActionForm):
    """An action with a comment, kept with the verdict."""

    comment = forms.CharField(required=False, label="Comment")


class History(admin.TabularInline[Any, Any]):
    """Rows of another table that belong to this one; they only show."""

    related: ClassVar[tuple[str, ...]] = ()
    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related).order_by("-pk")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
