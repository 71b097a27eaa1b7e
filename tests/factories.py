"""Rows for tests, made by the services themselves; plain functions with defaults."""

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts import roles
from accounts.models import User
from accounts.services import issuing_tokens, managing_people, signing_in
from traceability.events import SYSTEM

_numbers = itertools.count(1)


def unique(word: str) -> str:
    """A word that no other test of this run uses: `word-7`."""
    return f"{word}-{next(_numbers)}"


def person(role: str | None = "operator", **fields: Any) -> User:
    """A person who can sign in when `password` is given."""
    email = fields.pop("email", None) or f"{unique(role or 'nobody')}@example.org"
    return managing_people.create_account(email=email, role=role, actor=SYSTEM, now=timezone.now(), **fields)


def service(role: str | None = "agent", **fields: Any) -> User:
    """A service account, as an agent has it."""
    email = fields.pop("email", None) or f"{unique('agent')}@agents.example.org"
    return managing_people.create_account(
        email=email, role=role, kind=User.Kind.SERVICE, actor=SYSTEM, now=timezone.now(), **fields
    )


def token_of(user: User, scopes: Any = None, *, expires_at: datetime | None = None, now: datetime | None = None) -> str:
    """The plain text of a new token; without `scopes` it has all that the role holds."""
    wanted = user.scopes if scopes is None else scopes
    now = now or timezone.now()
    _, plain = issuing_tokens.issue(
        user, name="test", scopes=wanted, actor=SYSTEM, now=now, expires_at=expires_at, within=roles.SCOPES
    )
    return plain


def client_of(user: User, scopes: Any = None) -> APIClient:
    """A client with a bearer token of this account."""
    return client_with(token_of(user, scopes))


def client_signed_in(user: User) -> APIClient:
    """A client with a session's bearer token, as `POST /api/sessions` gives it: it may manage tokens and sessions."""
    _, key = signing_in.open_session(user, ip=None, user_agent="test", now=timezone.now())
    return client_with(key)


def client_with(token: str) -> APIClient:
    """A client that sends this bearer token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client
