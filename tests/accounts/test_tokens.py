"""API tokens: stored as SHA-256 only, shown once, narrowed by role, ended by expiry and revocation."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import auth, roles
from accounts.models import ApiToken, User
from accounts.services import issuing_tokens, managing_people
from accounts.sessions import digest
from coordinator.lib.errors import Invalid
from tests.factories import client_of, client_signed_in, client_with, person, service, token_of
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def issued(user: User, **fields: Any) -> Any:
    given = {"name": "laptop", "scopes": ["tasks:read"], "actor": SYSTEM, "now": timezone.now(), **fields}
    return issuing_tokens.issue(user, **given)


def test_a_token_has_a_readable_prefix_and_256_random_bits() -> None:
    row, plain = issued(person())
    prefix, secret = plain[:14], plain[15:]
    assert row.prefix == prefix
    assert prefix.startswith("coord_")
    assert len(secret) == 43


def test_only_the_sha256_of_a_token_is_stored() -> None:
    row, plain = issued(person())
    assert row.digest == hashlib.sha256(plain.encode()).hexdigest()
    stored = json.dumps(list(ApiToken.objects.filter(pk=row.pk).values()), default=str)
    assert plain not in stored
    assert plain[15:] not in stored


def test_the_ledger_tells_of_the_token_but_never_its_secret_or_hash() -> None:
    user = person()
    row, plain = issued(user)
    told = Entry.objects.of_kind("token").latest("pk")
    assert told.kind == "token.issued"
    assert told.data["prefix"] == row.prefix
    assert told.data["account"] == user.email
    assert plain[15:] not in told.canonical
    assert row.digest not in told.canonical


def test_a_token_is_shown_once_and_no_answer_holds_a_hash() -> None:
    client = client_signed_in(person())
    made = client.post("/api/tokens", {"name": "ci", "scopes": ["tasks:read"]}, format="json")
    assert made.status_code == 201
    secret = made.json()["token"]
    assert secret.startswith(made.json()["prefix"])
    listed = client.get("/api/tokens").content.decode()
    assert secret not in listed
    row = ApiToken.objects.get(prefix=made.json()["prefix"])
    assert row.digest not in listed + made.content.decode()
    assert "digest" not in listed


def test_a_repeated_key_does_not_show_the_token_again() -> None:
    client = client_signed_in(person())
    asked = {"name": "ci", "scopes": ["tasks:read"]}
    first = client.post("/api/tokens", asked, format="json", headers={"Idempotency-Key": "k1"})
    again = client.post("/api/tokens", asked, format="json", headers={"Idempotency-Key": "k1"})
    assert first.json()["token"]
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == {**first.json(), "token": None}
    assert ApiToken.objects.filter(name="ci").count() == 1


@pytest.mark.parametrize("bad", ["", "coord_", "coord_aaaaaaaa_bbbb", "nonsense", "cos_" + "x" * 43, "é", "x" * 5000])
def test_an_unknown_token_is_401_and_asks_for_bearer(bad: str) -> None:
    answer = client_with(bad.encode().decode("latin-1")).get("/api/me")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"].startswith("application/problem+json")


def test_no_credential_is_401_and_asks_for_bearer(client: Client) -> None:
    answer = client.get("/api/me")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_revoked_token_opens_nothing_from_that_moment() -> None:
    user = person()
    plain = token_of(user)
    assert client_with(plain).get("/api/me").status_code == 200
    row = ApiToken.objects.get(digest=digest(plain))
    assert client_signed_in(user).delete(f"/api/tokens/{row.pk}").status_code == 204
    assert client_with(plain).get("/api/me").status_code == 401


def test_revoking_twice_is_told_once() -> None:
    user = person()
    row, _ = issued(user)
    for _ in range(2):
        issuing_tokens.revoke(row, actor=SYSTEM, now=timezone.now())
    assert Entry.objects.filter(kind="token.revoked", subject_id=row.pk).count() == 1


def test_an_expired_token_opens_nothing() -> None:
    plain = token_of(person(), expires_at=timezone.now() + timedelta(days=1))
    client = client_with(plain)
    assert client.get("/api/me").status_code == 200
    ApiToken.objects.filter(digest=digest(plain)).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/me").status_code == 401


def test_a_token_of_a_deactivated_account_opens_nothing() -> None:
    user = person()
    client = client_of(user)
    managing_people.revise_account(user, is_active=False, actor=SYSTEM, now=timezone.now())
    assert client.get("/api/me").status_code == 401
    assert not ApiToken.objects.filter(user=user, revoked_at__isnull=True).exists()


def test_a_token_holds_no_more_than_the_role_holds_now() -> None:
    user = person("operator")
    client = client_of(user, ["tasks:read", "tasks:write"])
    assert client.get("/api/me").json()["scopes"] == ["tasks:read", "tasks:write"]
    managing_people.revise_account(user, role="viewer", actor=SYSTEM, now=timezone.now())
    assert client.get("/api/me").json()["scopes"] == ["tasks:read"]
    managing_people.revise_account(user, role=None, actor=SYSTEM, now=timezone.now())
    assert client.get("/api/me").json()["scopes"] == []


def test_nobody_issues_a_token_with_more_than_their_role_holds() -> None:
    with pytest.raises(Invalid, match="does not hold"):
        issued(person("viewer"), scopes=["tasks:write"])
    with pytest.raises(Invalid, match="no scope"):
        issued(person("viewer"), scopes=["tasks:everything"])
    with pytest.raises(Invalid, match="at least one"):
        issued(person("viewer"), scopes=[])


def test_a_narrow_token_cannot_issue_a_wider_one() -> None:
    client = client_of(person("admin"), ["accounts:admin", "tasks:read"])
    answer = client.post("/api/tokens", {"name": "wide", "scopes": ["tasks:write"]}, format="json")
    assert answer.status_code == 422
    assert "scopes" in answer.json()["errors"]
    narrow = client.post("/api/tokens", {"name": "same"}, format="json")
    assert narrow.json()["scopes"] == ["accounts:admin", "tasks:read"]


def test_a_service_account_issues_no_tokens() -> None:
    answer = client_of(service()).post("/api/tokens", {"name": "more"}, format="json")
    assert answer.status_code == 403


def test_only_an_admin_issues_a_token_for_another_account() -> None:
    agent = service()
    asked = {"name": "for the agent", "account": agent.email}
    assert client_signed_in(person("operator")).post("/api/tokens", asked, format="json").status_code == 403
    made = client_of(person("admin")).post("/api/tokens", asked, format="json")
    assert made.status_code == 201
    assert set(made.json()["scopes"]) == roles.ROLES["agent"]
    assert client_with(made.json()["token"]).get("/api/me").json()["email"] == agent.email


def test_a_stranger_cannot_see_or_revoke_a_token() -> None:
    row, _ = issued(person())
    stranger = client_signed_in(person("operator"))
    assert row.prefix not in stranger.get("/api/tokens").content.decode()
    assert stranger.delete(f"/api/tokens/{row.pk}").status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None


def test_an_admin_sees_and_revokes_every_token() -> None:
    row, _ = issued(person())
    admin = client_of(person("admin"))
    assert row.prefix in admin.get("/api/tokens").content.decode()
    assert admin.delete(f"/api/tokens/{row.pk}").status_code == 204


def test_a_time_in_the_past_is_no_expiry() -> None:
    answer = client_signed_in(person()).post(
        "/api/tokens", {"name": "old", "expires_at": "2020-01-01T00:00:00Z"}, format="json"
    )
    assert answer.status_code == 422
    assert "expires_at" in answer.json()["errors"]


def test_last_use_is_noted_at_most_once_a_minute() -> None:
    user = person()
    plain = token_of(user)
    now = timezone.now()
    row = ApiToken.objects.get(digest=digest(plain))
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        at = now + timedelta(seconds=seconds)
        assert auth.resolve(plain, at)
        row.refresh_from_db()
        assert row.last_used_at == now + timedelta(seconds=noted)


def test_a_token_is_recognised_with_one_query(django_assert_num_queries: Any) -> None:
    plain = token_of(person())
    now = timezone.now()
    auth.resolve(plain, now)
    with django_assert_num_queries(1):
        found = auth.resolve(plain, now)
        assert found is not None
        assert "tasks:write" in found.scopes


def test_a_credential_is_renewed_until_it_is_revoked() -> None:
    user = person()
    plain = token_of(user)
    found = auth.resolve(plain, timezone.now())
    assert found is not None
    assert found.renewed() == found
    issuing_tokens.revoke(ApiToken.objects.get(pk=found.token_id or 0), actor=SYSTEM, now=timezone.now())
    assert found.renewed() is None
