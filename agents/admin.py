"""Agents, what they said and what they used, in the admin; every change through the services."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.auth import actor_of
from accounts.models import User
from agents.health import AgentStatus
from agents.models import Activity, Agent, Usage
from agents.services import registering
from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip, chip_column, holds
from coordinator.lib.errors import NotAllowed
from coordinator.lib.money import plain_money

ACTIVITIES_SHOWN = 20
OWN_FIELDS = ("agent_id", "name", "status", "adapter_module", "adapter_config", "capabilities", "cost_per_mtok")


class AgentForm(forms.ModelForm[Agent]):
    """`adapter_config` holds names of environment variables, never secrets."""

    class Meta:
        model = Agent
        fields = (*OWN_FIELDS, "service_account")
        help_texts = {
            "agent_id": "Left out, one is made.",
            "adapter_config": 'Secrets only as {"env": "NAME"}, the name of an environment variable.',
            "capabilities": 'A list, for instance ["python", "review"].',
            "cost_per_mtok": "USD per million tokens, for models without a known price.",
            "service_account": "The account whose tokens act for this agent. Only an admin changes it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = False
        if account := self.fields.get("service_account"):
            account.queryset = User.objects.filter(kind=User.Kind.SERVICE).order_by("email")  # type: ignore[attr-defined]


class ActivityInline(admin.TabularInline[Activity, Agent]):
    """The last events, as the agent reported them."""

    model = Activity
    fields = readonly_fields = ("at", "event", "task_key", "mission_key", "session", "context")
    ordering = ("-pk",)
    extra = 0
    can_delete = False
    verbose_name_plural = f"Last activities (up to {ACTIVITIES_SHOWN})"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        """The newest of the agent that the page shows; Django's inline then asks for that agent's only."""
        rows = super().get_queryset(request)
        shown = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
        if not str(shown).isdigit():
            return rows.none()
        newest = Activity.objects.filter(agent_id=int(shown)).order_by("-pk").values("pk")[:ACTIVITIES_SHOWN]
        return rows.filter(pk__in=newest)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Agent)
class AgentAdmin(ServiceAdmin):
    area = "agents"
    form = AgentForm
    fields = AgentForm.Meta.fields
    shown = (
        "status_since", "status_reason", "last_seen_at", "current_task_key", "condition", "health_reason",
        "health_checked_at", "cost", "tokens", "version", "created_at", "updated_at",
    )  # fmt: skip
    list_display = (
        "agent_id", "name", chip_column("status"), "current_task_key", "last_seen_at", "condition", "adapter_module",
        "cost", "tokens",
    )  # fmt: skip
    list_filter = ("status", "health_state", "adapter_module", ("service_account", admin.EmptyFieldListFilter))
    search_fields = ("agent_id", "name", "current_task_key")
    ordering = ("agent_id",)
    date_hierarchy = "last_seen_at"
    inlines = (ActivityInline,)
    actions = ("take_offline", "take_idle")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        linked = () if holds(request.user, "accounts:admin") else ("service_account",)
        return (*(self.shown if obj else ()), *linked)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    @admin.display(description="Health", ordering="health_state")
    def condition(self, row: Agent) -> str:
        return chip(row.health_state)

    @admin.display(description="Cost (USD)", ordering="cost_usd")
    def cost(self, row: Agent) -> str:
        return plain_money(row.cost_usd)

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Agent:
        return registering.create_agent(**_given(request, data), actor=actor_of(request), now=timezone.now())

    def change_through(self, request: HttpRequest, row: Agent, data: dict[str, Any]) -> Agent:
        return registering.revise_agent(row, **_given(request, data), actor=actor_of(request), now=timezone.now())

    @admin.action(description="Take for offline", permissions=["write"])
    def take_offline(self, request: HttpRequest, rows: QuerySet[Agent]) -> HttpResponse | None:
        return self.each(request, rows, _to(request, AgentStatus.OFFLINE), "{} taken for offline.")

    @admin.action(description="Take for idle", permissions=["write"])
    def take_idle(self, request: HttpRequest, rows: QuerySet[Agent]) -> HttpResponse | None:
        return self.each(request, rows, _to(request, AgentStatus.IDLE), "{} taken for idle.")


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    area = "agents"
    list_display = ("at", "agent", chip_column("event"), "task_key", "mission_key", "session")
    list_select_related = ("agent",)
    list_filter = ("event", "at")
    search_fields = ("agent__agent_id", "task_key", "mission_key", "session")
    ordering = ("-pk",)
    date_hierarchy = "at"


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    read_scope = "usage:read"
    list_display = (
        "at", "agent", "model", "task_key", "mission_key", "input_tokens", "cache_read_tokens", "cache_write_tokens",
        "output_tokens", "cost", "source",
    )  # fmt: skip
    list_select_related = ("agent",)
    list_filter = ("source", "model", "at")
    search_fields = ("agent__agent_id", "model", "task_key", "mission_key", "usage_id")
    ordering = ("-pk",)
    date_hierarchy = "at"

    @admin.display(description="Cost (USD)", ordering="cost_usd")
    def cost(self, row: Usage) -> str:
        return "unknown" if row.cost_usd is None else plain_money(row.cost_usd)


def _to(request: HttpRequest, status: AgentStatus) -> Callable[[Agent], Agent]:
    actor, now = actor_of(request), timezone.now()
    return lambda row: registering.revise_agent(row, status=status, actor=actor, now=now)


def _given(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    """The form's values as the service takes them. Raises NotAllowed."""
    if data.get("service_account") and not holds(request.user, "accounts:admin"):
        raise NotAllowed("Only an admin says whose account acts for an agent.")
    empty: dict[str, Any] = {"adapter_config": {}, "capabilities": [], "adapter_module": ""}
    return {name: empty.get(name) if value is None else value for name, value in data.items()}
