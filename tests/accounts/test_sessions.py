"""Sessions: kept on the server as digests, listed, revoked, and never brought back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import sessions
from accounts.models import Session, User
from accounts.services import managing_people, signing_in
from tests.factories import client_of, client_signed_in, client_with, person
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def signed_in(user: User) -> Any:
    """A session token of this account, made without its password."""
    return signing_in.open_session(user, ip="192.0.2.7", user_agent="test", now=timezone.now())


def browser_of(user: User) -> Any:
    client = Client(enforce_csrf_checks=True, headers={"User-Agent": "Firefox"}, REMOTE_ADDR="192.0.2.9")
    client.force_login(user)
    return client


def test_signing_in_answers_a_bearer_token_once() -> None:
    user = person(password=PASSWORD)
    answer = APIClient().post("/api/sessions", {"email": user.email.upper(), "password": PASSWORD}, format="json")
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert token.startswith("cos_")
    client = client_with(token)
    assert client.get("/api/me").json()["email"] == user.email
    listed = client.get("/api/sessions").content.decode()
    assert token not in listed
    assert sessions.digest(token) not in listed
    assert client.get("/api/sessions").json()["results"][0]["current"] is True
    user.refresh_from_db()
    assert user.last_login is not None


def test_a_wrong_password_is_401_and_says_nothing_about_the_account() -> None:
    user = person(password=PASSWORD)
    answers = [
        APIClient().post("/api/sessions", {"email": email, "password": "wrong password"}, format="json")
        for email in (user.email, "nobody@example.org")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0]["WWW-Authenticate"] == "Bearer"


def test_only_the_sha256_of_a_session_key_is_stored() -> None:
    row, key = signed_in(person())
    stored = json.dumps(list(Session.objects.filter(pk=row.pk).values()), default=str)
    assert key not in stored
    assert row.session_key == sessions.digest(key)


def test_a_session_says_who_from_where_and_with_what() -> None:
    user = person()
    browser_of(user).get("/api/me")
    row = Session.objects.get(user=user)
    assert (row.user, row.expire_date > timezone.now()) == (user, True)
    listed = client_signed_in(user).get("/api/sessions").json()["results"]
    shown = next(each for each in listed if each["id"] == row.pk)
    assert shown["account"] == user.email
    assert shown["current"] is False
    assert "session_key" not in shown


def test_signing_in_and_out_with_a_browser_is_told(client: Client) -> None:
    user = person(password=PASSWORD)
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD}, headers={"User-Agent": "Firefox"})
    row = Session.objects.get(user=user)
    assert (row.ip, row.user_agent) == ("127.0.0.1", "Firefox")
    client.post("/admin/logout/")
    kinds = (
        Entry.objects.filter(subject_type="session", subject_id=row.pk).order_by("pk").values_list("kind", flat=True)
    )
    assert list(kinds) == ["session.opened", "session.closed"]
    assert not Session.objects.filter(user=user).exists()


def test_signing_in_makes_a_new_key(client: Client) -> None:
    user = person(password=PASSWORD)
    session = client.session
    session["left"] = "over"
    session.save()
    before = str(session.session_key)
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert client.session.session_key != before
    assert not sessions.SessionStore().exists(before)


def test_a_revoked_session_opens_nothing() -> None:
    user = person()
    row, key = signed_in(user)
    assert client_signed_in(user).delete(f"/api/sessions/{row.pk}").status_code == 204
    assert client_with(key).get("/api/me").status_code == 401
    assert Entry.objects.filter(kind="session.revoked", subject_id=row.pk).count() == 1


def test_a_revoked_browser_session_opens_nothing() -> None:
    user = person()
    browser = browser_of(user)
    assert browser.get("/api/me").status_code == 200
    row = Session.objects.get(user=user)
    signing_in.revoke_session(row, actor=SYSTEM, now=timezone.now())
    assert browser.get("/api/me").status_code == 401


def test_a_session_revoked_while_a_request_runs_stays_revoked() -> None:
    row, key = signed_in(person())
    store = sessions.SessionStore(key)
    store["seen"] = "yes"
    signing_in.revoke_session(row, actor=SYSTEM, now=timezone.now())
    with pytest.raises(UpdateError):
        store.save()
    assert not Session.objects.filter(pk=row.pk).exists()


def test_an_expired_session_opens_nothing_and_is_purged() -> None:
    user = person()
    row, key = signed_in(user)
    Session.objects.filter(pk=row.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client_with(key).get("/api/me").status_code == 401
    signing_in.purge(now=timezone.now())
    assert not Session.objects.filter(pk=row.pk).exists()


def test_the_hash_of_a_key_opens_nothing() -> None:
    row, _ = signed_in(person())
    assert client_with(row.session_key).get("/api/me").status_code == 401
    assert client_with(f"cos_{row.session_key}").get("/api/me").status_code == 401


def test_a_stranger_cannot_see_or_revoke_a_session() -> None:
    row, _ = signed_in(person())
    stranger = client_signed_in(person())
    assert [each["current"] for each in stranger.get("/api/sessions").json()["results"]] == [True]
    assert stranger.delete(f"/api/sessions/{row.pk}").status_code == 404
    assert Session.objects.filter(pk=row.pk).exists()


def test_an_admin_sees_and_revokes_every_session() -> None:
    row, _ = signed_in(person())
    admin = client_of(person("admin"))
    assert row.pk in [each["id"] for each in admin.get("/api/sessions").json()["results"]]
    assert admin.delete(f"/api/sessions/{row.pk}").status_code == 204


def test_a_new_password_ends_every_session() -> None:
    user = person(password=PASSWORD)
    _, key = signed_in(user)
    managing_people.revise_account(user, password="another long password", actor=SYSTEM, now=timezone.now())
    assert client_with(key).get("/api/me").status_code == 401


def test_a_browser_session_reads_without_and_writes_only_with_the_csrf_token() -> None:
    user = person("admin")
    browser = browser_of(user)
    assert browser.get("/api/me").status_code == 200
    asked = {"name": "page", "scopes": ["tasks:read"]}
    refused = browser.post("/api/tokens", asked, content_type="application/json")
    assert refused.status_code == 403
    assert refused["Content-Type"].startswith("application/problem+json")
    browser.cookies["coordinator_csrf"] = "a" * 32
    allowed = browser.post("/api/tokens", asked, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 201


def test_a_bearer_token_needs_no_csrf_token() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in(person())[1]}")
    assert client.post("/api/tokens", {"name": "x", "scopes": ["tasks:read"]}, format="json").status_code == 201


def test_last_seen_is_noted_at_most_once_a_minute() -> None:
    user = person()
    browser = browser_of(user)
    early = timezone.now() - timedelta(minutes=2)
    Session.objects.filter(user=user).update(last_seen_at=early)
    browser.get("/api/me")
    seen = Session.objects.get(user=user).last_seen_at
    assert seen > early
    browser.get("/api/me")
    assert Session.objects.get(user=user).last_seen_at == seen


def test_a_session_belongs_to_its_account_only_after_the_sign_in() -> None:
    store = sessions.SessionStore()
    store["colour"] = "blue"
    store.save()
    row = Session.objects.get(session_key=sessions.digest(str(store.session_key)))
    assert row.user_id is None
    user = person()
    store[SESSION_KEY] = str(user.pk)
    store.save()
    row.refresh_from_db()
    assert row.user_id == user.pk


def test_the_engine_works_from_asynchronous_code() -> None:
    async def used() -> Any:
        store = sessions.SessionStore()
        await store.aset("colour", "blue")
        await store.asave()
        again = sessions.SessionStore(store.session_key)
        return await again.aget("colour")

    assert async_to_sync(used)() == "blue"
