"""The first admin of an installation and its token."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.services import issuing_tokens, managing_people
from coordinator.environment import write_private
from coordinator.launching.ground import CannotStart
from traceability.events import SYSTEM

EMAIL = "admin@localhost"
TOKEN_FILE = "admin.token"


@dataclass(frozen=True)
class FirstAdmin:
    """The account; `password` and `token` are plain text when they were made now, and else empty."""

    email: str
    password: str = ""
    token: str = ""


def check_password(password: str) -> None:
    """Raises CannotStart for an ADMIN_PASSWORD that no account may have; an empty one is made later."""
    if not password:
        return
    try:
        validate_password(password)
    except ValidationError as problem:
        raise CannotStart(f"ADMIN_PASSWORD is not fit: {' '.join(problem.messages)}") from problem


def ensure(data: Path, *, email: str, password: str, now: datetime) -> FirstAdmin:
    """The first admin, made with a password and a token when there is no active admin yet.

    The token is also written to `admin.token`, which only its owner may read. Raises Refusal for an unfit e-mail
    address or password.
    """
    known = User.objects.active().people().with_role("admin").order_by("pk").first()
    if known is not None:
        return FirstAdmin(known.email)
    chosen = password or secrets.token_urlsafe(15)
    admin = managing_people.create_account(
        email=email or EMAIL, name="", role="admin", password=chosen, actor=SYSTEM, now=now
    )
    _, token = issuing_tokens.issue(admin, name="first token", scopes=admin.scopes, actor=SYSTEM, now=now)
    write_private(data / TOKEN_FILE, token)
    return FirstAdmin(admin.email, "" if password else chosen, token)
