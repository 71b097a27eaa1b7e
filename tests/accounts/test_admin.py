"""Accounts in the admin: for admins only, through the same services, and a token is shown once."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import auth
from accounts.models import ApiToken, Session, User
from accounts.services import issuing_tokens, signing_in
from tests.factories import client_with, person
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LISTS = ("user", "apitoken", "session")


@pytest.fixture
def admin(client: Client) -> Any:
    client.force_login(person("admin", email="root@example.org"))
    return client


def issued(user: User, scopes: tuple[str, ...] = ("tasks:read",)) -> tuple[ApiToken, str]:
    return issuing_tokens.issue(user, name="ci", scopes=scopes, actor=SYSTEM, now=timezone.now())


@pytest.mark.parametrize("role", ["operator", "viewer", None])
def test_only_an_admin_sees_accounts_in_the_admin(client: Client, role: str | None) -> None:
    client.force_login(person(role))
    for name in LISTS:
        assert client.get(f"/admin/accounts/{name}/").status_code in {302, 403}


def test_the_lists_cost_the_same_for_one_and_for_many(admin: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(8):
        user = person()
        issued(user)
        signing_in.open_session(user, ip=None, user_agent="", now=timezone.now())
    for name in LISTS:
        admin.get(f"/admin/accounts/{name}/")
        with django_assert_max_num_queries(8):
            assert admin.get(f"/admin/accounts/{name}/").status_code == 200


def test_groups_are_not_edited_by_hand(admin: Client) -> None:
    assert admin.get("/admin/auth/group/").status_code == 404


def test_an_account_is_made_through_the_service(admin: Client) -> None:
    form = {"email": "ada@example.org", "name": "Ada", "kind": "person", "role": "viewer", "is_active": "on"}
    answer = admin.post("/admin/accounts/user/add/", {**form, "new_password": PASSWORD})
    assert answer.status_code == 302
    user = User.objects.get(email="ada@example.org")
    assert user.role == "viewer"
    assert user.check_password(PASSWORD)
    told = Entry.objects.of_kind("account").latest("pk")
    assert (told.kind, told.actor_name) == ("account.created", "root@example.org")


def test_a_weak_password_is_told_at_the_form(admin: Client) -> None:
    form = {"email": "ada@example.org", "kind": "person", "role": "viewer", "is_active": "on", "new_password": "short"}
    answer = admin.post("/admin/accounts/user/add/", form)
    assert answer.status_code == 200
    assert "at least 12 characters" in answer.content.decode()
    assert not User.objects.filter(email="ada@example.org").exists()


def test_a_role_is_changed_through_the_service(admin: Client) -> None:
    user = person("viewer", name="Ada")
    page = admin.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert user.password not in page
    form = {"name": "Ada", "role": "operator", "is_active": "on", "new_password": ""}
    assert admin.post(f"/admin/accounts/user/{user.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=user.pk).role == "operator"
    assert Entry.objects.of_kind("account").latest("pk").data["fields"] == {"role": "operator"}


def test_the_last_admin_cannot_be_deactivated(admin: Client) -> None:
    root = User.objects.get(email="root@example.org")
    form = {"name": "", "role": "admin", "new_password": ""}
    answer = admin.post(f"/admin/accounts/user/{root.pk}/change/", form)
    assert answer.status_code == 200
    assert "last active admin" in answer.content.decode()
    assert User.objects.get(pk=root.pk).is_active


def test_no_row_is_deleted_by_hand(admin: Client) -> None:
    user = person()
    token, _ = issued(user)
    for path in (f"user/{user.pk}", f"apitoken/{token.pk}", f"session/{Session.objects.get().pk}"):
        assert admin.post(f"/admin/accounts/{path}/delete/", {"post": "yes"}).status_code == 403


def test_a_token_is_issued_through_the_service_and_shown_once(admin: Client) -> None:
    user = person("operator")
    form = {"user": user.pk, "name": "ci", "scopes": ["tasks:read"], "expires_at_0": "", "expires_at_1": ""}
    page = admin.post("/admin/accounts/apitoken/add/", form, follow=True).content.decode()
    token = ApiToken.objects.get(user=user)
    assert token.prefix + "_" in page
    secret = page.split(f"{token.prefix}_")[1].split("<")[0]
    assert client_with(f"{token.prefix}_{secret}").get("/api/me").json()["email"] == user.email
    for path in ("", f"{token.pk}/change/"):
        again = admin.get(f"/admin/accounts/apitoken/{path}").content.decode()
        assert secret not in again
        assert token.digest not in again
    assert token.created_by is not None
    assert token.created_by.email == "root@example.org"


def test_a_token_beyond_the_role_is_refused_at_the_form(admin: Client) -> None:
    form = {
        "user": person("viewer").pk,
        "name": "ci",
        "scopes": ["tasks:write"],
        "expires_at_0": "",
        "expires_at_1": "",
    }
    answer = admin.post("/admin/accounts/apitoken/add/", form)
    assert answer.status_code == 200
    assert "does not hold tasks:write" in answer.content.decode()


def test_tokens_and_sessions_are_revoked_by_an_action(admin: Client) -> None:
    user = person()
    token, plain = issued(user)
    row, key = signing_in.open_session(user, ip=None, user_agent="", now=timezone.now())
    for name, pk, secret in (("apitoken", token.pk, plain), ("session", row.pk, key)):
        assert auth.resolve(secret, timezone.now())
        admin.post(f"/admin/accounts/{name}/", {"action": "revoke", "_selected_action": [pk]})
        assert auth.resolve(secret, timezone.now()) is None
    kinds = Entry.objects.filter(actor_name="root@example.org").values_list("kind", flat=True)
    assert {"token.revoked", "session.revoked"} <= set(kinds)


def test_ones_own_new_password_is_told_and_ends_every_other_session(client: Client) -> None:
    user = person("viewer", password=PASSWORD)
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    _, other = signing_in.open_session(user, ip=None, user_agent="", now=timezone.now())
    new = "another long password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/admin/password_change/", form).status_code == 302
    assert client.get("/api/me").status_code == 200
    assert auth.resolve(other, timezone.now()) is None
    assert User.objects.get(pk=user.pk).check_password(new)
    assert Entry.objects.of_kind("account").latest("pk").data["fields"] == {"password": "changed"}
