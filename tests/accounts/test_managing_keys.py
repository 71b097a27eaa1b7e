"""Tokens are managed by who signed in, or by an admin's token; a token makes none that outlives or exceeds it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import roles
from accounts.models import ApiToken
from accounts.services import issuing_tokens, signing_in
from tests.factories import client_of, client_signed_in, client_with, person, token_of
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_token_manages_no_tokens_and_no_sessions(role: str) -> None:
    user = person(role)
    other, _ = issuing_tokens.issue(user, name="other", scopes=["tasks:read"], actor=SYSTEM, now=timezone.now())
    session, _ = signing_in.open_session(user, ip=None, user_agent="", now=timezone.now())
    client = client_of(user)
    for path in ("/api/tokens", "/api/sessions"):
        assert client.get(path).status_code == 403
    assert client.post("/api/tokens", {"name": "forever"}, format="json").status_code == 403
    assert client.delete(f"/api/tokens/{other.pk}").status_code == 403
    assert client.delete(f"/api/sessions/{session.pk}").status_code == 403
    other.refresh_from_db()
    assert other.revoked_at is None


def test_a_token_without_accounts_admin_manages_none_even_of_an_admin() -> None:
    client = client_of(person("admin"), roles.SCOPES - {"accounts:admin"})
    assert client.post("/api/tokens", {"name": "forever"}, format="json").status_code == 403


def test_a_token_issued_by_a_token_ends_no_later() -> None:
    end = timezone.now() + timedelta(days=1)
    client = client_with(token_of(person("admin"), expires_at=end))
    asked = {"name": "child", "scopes": ["tasks:read"]}
    for also in ({}, {"expires_at": None}):
        made = client.post("/api/tokens", {**asked, **also}, format="json")
        assert ApiToken.objects.get(prefix=made.json()["prefix"]).expires_at == end
    later = client.post("/api/tokens", {**asked, "expires_at": (end + timedelta(hours=1)).isoformat()}, format="json")
    assert later.status_code == 422
    assert "expires_at" in later.json()["errors"]
    sooner = client.post("/api/tokens", {**asked, "expires_at": (end - timedelta(hours=1)).isoformat()}, format="json")
    assert sooner.status_code == 201


def test_who_signed_in_issues_tokens_without_an_end() -> None:
    made = client_signed_in(person()).post("/api/tokens", {"name": "laptop"}, format="json")
    assert (made.status_code, made.json()["expires_at"]) == (201, None)
