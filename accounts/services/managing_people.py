"""Creating and revising accounts: people and the service accounts of agents."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts import roles
from accounts.events import AccountCreated, AccountRevised
from accounts.models import ApiToken, Session, User
from coordinator.lib.errors import Conflict, Invalid
from traceability import ledger
from traceability.events import Actor, Subject


class EmailTaken(Conflict):
    """There is an account with this e-mail."""


class LastAdmin(Conflict):
    """This is the last active admin; name another one first."""


def create_account(
    *,
    email: str,
    role: str | None,
    actor: Actor,
    now: datetime,
    name: str = "",
    kind: str = User.Kind.PERSON,
    password: str | None = None,
) -> User:
    """An active account. A service account has no password. Raises EmailTaken, Invalid."""
    user = User(email=email.strip(), name=name, kind=kind, created_at=now)
    _check_role(kind, role)
    _set_password(user, password)
    with ledger.writing():
        if User.objects.filter(email__iexact=user.email).exists():
            raise EmailTaken(f"There is an account {user.email!r} already.")
        user.save()
        _set_role(user, role)
        told = AccountCreated(subject=subject_of(user), email=user.email, account_kind=user.kind, role=role)
        ledger.record(told, actor=actor, at=now)
    return user


def revise_account(user: User, *, actor: Actor, now: datetime, **changes: Any) -> User:
    """Changes name, role, password or activity. Deactivating ends every session and token at once.

    Raises Invalid, LastAdmin.
    """
    with ledger.writing():
        user = User.objects.select_for_update().get(pk=user.pk)
        told: dict[str, Any] = {}
        if "role" in changes:
            _check_role(user.kind, changes["role"])
            told["role"] = changes["role"]
        if changes.get("role", "admin") != "admin" or changes.get("is_active") is False:
            _refuse_last_admin(user)
        if "password" in changes:
            _set_password(user, changes["password"])
            told["password"] = "changed"
        for field in ("name", "is_active"):
            if field in changes and getattr(user, field) != changes[field]:
                setattr(user, field, changes[field])
                told[field] = changes[field]
        user.save()
        if "role" in changes:
            _set_role(user, changes["role"])
        if changes.get("is_active") is False or "password" in changes:
            Session.objects.filter(user=user).delete()
        if changes.get("is_active") is False:
            ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=now)
        if told:
            ledger.record(AccountRevised(subject=subject_of(user), fields=told), actor=actor, at=now)
    return User.objects.prefetch_related("groups").get(pk=user.pk)


def subject_of(user: User) -> Subject:
    return Subject("account", user.pk, user.email)


def _check_role(kind: str, role: str | None) -> None:
    allowed = ("agent",) if kind == User.Kind.SERVICE else roles.PEOPLE
    if role is not None and role not in (*allowed, *(() if kind == User.Kind.PERSON else roles.PEOPLE)):
        raise Invalid({"role": [f"{role!r} is not one of {', '.join(allowed)}."]})


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    if user.kind == User.Kind.SERVICE:
        raise Invalid({"password": ["A service account has tokens, not a password."]})
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Invalid({"password": [str(text) for text in weak.messages]}) from weak
    user.set_password(password)


def _set_role(user: User, role: str | None) -> None:
    user.groups.set(Group.objects.filter(name=role) if role else [])
    user._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    user.__dict__.pop("role", None)


def _refuse_last_admin(user: User) -> None:
    admins = User.objects.filter(is_active=True, groups__name="admin")
    if admins.filter(pk=user.pk).exists() and not admins.exclude(pk=user.pk).exists():
        raise LastAdmin(f"{user.email} is the last active admin; name another one first.")
