"""Accounts, tokens and sessions in the admin: only for admins, and every change through the services."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from accounts.auth import actor_of
from accounts.forms import AccountForm, OwnPasswordForm, TokenForm
from accounts.models import ApiToken, Session, User
from accounts.services import issuing_tokens, managing_people, signing_in
from coordinator.lib.admin import ServiceAdmin, chip

admin.site.unregister(Group)
admin.site.password_form = OwnPasswordForm  # type: ignore[attr-defined]


class AdminsOnly(ServiceAdmin):
    read_scope = write_scope = "accounts:admin"


@admin.register(User)
class UserAdmin(AdminsOnly):
    form = AccountForm
    fields = ("email", "name", "kind", "role", "is_active", "new_password")
    list_display = ("email", "name", "kind", "role", "state", "last_login")
    list_filter = ("kind", "is_active", ("groups", admin.RelatedOnlyFieldListFilter))
    search_fields = ("email", "name")
    ordering = ("email",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = User.objects.knowing_role()
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "kind") if obj else ()

    @admin.display(description="Role")
    def role(self, row: User) -> str:
        return row.role or "no role"

    @admin.display(description="State", ordering="is_active")
    def state(self, row: User) -> str:
        return chip("active", "Active") if row.is_active else chip("revoked", "Deactivated")

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> User:
        return managing_people.create_account(
            email=data["email"],
            name=data["name"],
            kind=data["kind"],
            role=data["role"] or None,
            password=data["new_password"] or None,
            actor=actor_of(request),
            now=timezone.now(),
        )

    def change_through(self, request: HttpRequest, row: User, data: dict[str, Any]) -> User:
        changes: dict[str, Any] = {name: data[name] for name in ("name", "is_active") if name in data}
        if "role" in data:
            changes["role"] = data["role"] or None
        if data.get("new_password"):
            changes["password"] = data["new_password"]
        return managing_people.revise_account(row, actor=actor_of(request), now=timezone.now(), **changes)


@admin.register(ApiToken)
class ApiTokenAdmin(AdminsOnly):
    """Issued here or over the API; never changed, only revoked."""

    form = TokenForm
    fields = ("user", "name", "scopes", "expires_at")
    list_display = ("prefix", "name", "user", "state", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "user__kind")
    search_fields = ("prefix", "name", "user__email")
    ordering = ("-pk",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        past = ("prefix", "state", "created_by", "created_at", "last_used_at", "revoked_at")
        return (*self.fields, *past) if obj else self.fields

    @admin.display(description="State")
    def state(self, row: ApiToken) -> str:
        if row.revoked_at is not None:
            return chip("revoked", "Revoked")
        return chip("active", "Live") if row.is_live(timezone.now()) else chip("expired", "Expired")

    def create_through(self, request: Any, data: dict[str, Any]) -> ApiToken:
        user: User = data["user"]
        token, secret = issuing_tokens.issue(
            user,
            name=data["name"],
            scopes=data["scopes"] or user.scopes,
            expires_at=data["expires_at"],
            actor=actor_of(request),
            now=timezone.now(),
            within=request.user.scopes,
            issued_by=request.user,
        )
        told = format_html("The token of {}, shown this once: <code>{}</code>", user.email, secret)
        self.message_user(request, told, messages.WARNING)
        return token

    @admin.action(description="Revoke the chosen tokens", permissions=["write"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        return self.each(request, rows, lambda row: issuing_tokens.revoke(row, actor=actor, now=now), "{} revoked.")


@admin.register(Session)
class SessionAdmin(AdminsOnly):
    fields = ("user", "ip", "user_agent", "created_at", "last_seen_at", "expire_date")
    list_display = ("id", "user", "ip", "browser", "created_at", "last_seen_at", "expire_date")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    ordering = ("-last_seen_at",)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return Session.objects.live(timezone.now()).filter(user__isnull=False)

    @admin.display(description="Browser or client")
    def browser(self, row: Session) -> str:
        return row.user_agent[:60]

    @admin.action(description="Revoke the chosen sessions", permissions=["write"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Session]) -> HttpResponse | None:
        actor, now = actor_of(request), timezone.now()
        return self.each(request, rows, lambda row: signing_in.revoke_session(row, actor=actor, now=now), "{} revoked.")
