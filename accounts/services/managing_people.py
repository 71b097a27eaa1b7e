"""Creating and revising accounts: people and the service accounts of agents."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from accounts import roles
from accounts.events import AccountCreated, AccountRevised
from accounts.models import ApiToken, Session, User
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from traceability import ledger
from traceability.events import Actor, Subject

FIELDS = ("name", "is_active")


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
    user = User(email=_address(email), name=name, kind=kind, created_at=now, updated_at=now)
    _check_role(kind, role)
    _set_password(user, password)
    with ledger.writing():
        _one_at_a_time()
        if User.objects.named(user.email).exists():
            raise EmailTaken(f"There is an account {user.email!r} already.")
        user.save(force_insert=True)
        _set_role(user, role)
        told = AccountCreated(subject=subject_of(user), email=user.email, account_kind=user.kind, role=role)
        ledger.record(told, actor=actor, at=now)
    return user


def revise_account(user: User, *, actor: Actor, now: datetime, expected: int | None = None, **changes: Any) -> User:
    """Changes name, role, password or activity; what does not differ is not a change.

    Deactivating ends every session and token at once; a new password ends every session.
    Raises Invalid, LastAdmin, Stale.
    """
    with ledger.writing():
        _one_at_a_time()
        user = User.objects.select_for_update().get(pk=user.pk)
        versions.require(user, expected)
        told = _differing(user, changes)
        if told.get("role", "admin") != "admin" or told.get("is_active") is False:
            _refuse_last_admin(user)
        if told:
            _store(user, changes, told, now)
            ledger.record(AccountRevised(subject=subject_of(user), fields=told), actor=actor, at=now)
    revised: User = User.objects.knowing_role().get(pk=user.pk)
    return revised


def subject_of(user: User) -> Subject:
    return Subject("account", user.pk, user.email)


def _differing(user: User, changes: dict[str, Any]) -> dict[str, Any]:
    """What the ledger is told: the changed fields and their new values, the password without its value."""
    told = {field: changes[field] for field in FIELDS if field in changes and getattr(user, field) != changes[field]}
    if "role" in changes and changes["role"] != user.role:
        _check_role(user.kind, changes["role"])
        told["role"] = changes["role"]
    if "password" in changes:
        _set_password(user, changes["password"])
        told["password"] = "changed"
    return told


def _store(user: User, changes: dict[str, Any], told: dict[str, Any], now: datetime) -> None:
    for field in FIELDS:
        setattr(user, field, told.get(field, getattr(user, field)))
    user.version += 1
    user.updated_at = now
    user.save(update_fields=[*FIELDS, "password", "version", "updated_at"])
    if "role" in told:
        _set_role(user, told["role"])
    if not user.is_active or "password" in changes:
        Session.objects.filter(user=user).delete()
    if not user.is_active:
        ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=now)


def _address(email: str) -> str:
    """The e-mail without space around it. Raises Invalid."""
    address = email.strip()
    try:
        validate_email(address)
    except ValidationError as wrong:
        raise Invalid({"email": [str(text) for text in wrong.messages]}) from wrong
    if len(address) > 254:
        raise Invalid({"email": ["An e-mail address has at most 254 characters."]})
    return address


def _check_role(kind: str, role: str | None) -> None:
    allowed = ("agent", *roles.PEOPLE) if kind == User.Kind.SERVICE else roles.PEOPLE
    if role is not None and role not in allowed:
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
    """Puts the account into the role's group and out of every other role's; groups that are no role stay."""
    user.groups.remove(*Group.objects.filter(name__in=roles.ROLES).exclude(name=role))
    if role is not None:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    for remembered in ("role", "group_names"):
        user.__dict__.pop(remembered, None)


def _one_at_a_time() -> None:
    """Makes changes of accounts wait for each other, so that two cannot both take the last admin's place or e-mail."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('accounts', 7))")


def _refuse_last_admin(user: User) -> None:
    admins = User.objects.active().people().with_role("admin")
    if admins.filter(pk=user.pk).exists() and not admins.exclude(pk=user.pk).exists():
        raise LastAdmin(f"{user.email} is the last active admin; name another one first.")
