"""Accounts and roles: one table of roles holds in every place, and an installation always keeps an admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import roles
from accounts.models import User
from accounts.services import managing_people
from coordinator.lib.errors import Invalid, Stale
from tests.factories import client_of, person, service
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def revise(user: User, **changes: Any) -> Any:
    return managing_people.revise_account(user, actor=SYSTEM, now=timezone.now(), **changes)


def test_the_roles_are_groups_made_by_the_migration() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= {"admin", "operator", "viewer", "agent"}


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_a_person_with_a_role_may_open_the_pages(role: str | None) -> None:
    user = person(role)
    assert (user.role, user.is_staff, user.is_superuser) == (role, True, False)


def test_nobody_without_a_role_and_no_agent_opens_the_pages() -> None:
    assert not person(None).is_staff
    assert not service().is_staff
    assert not revise(person("viewer"), is_active=False).is_staff


def test_the_strongest_of_several_roles_counts() -> None:
    user = person("viewer")
    user.groups.add(Group.objects.get(name="operator"))
    assert User.objects.get(pk=user.pk).role == "operator"
    assert User.objects.knowing_role().get(pk=user.pk).role == "operator"


@pytest.mark.parametrize(
    ("role", "permission", "held"),
    [
        ("admin", "accounts.change_user", True),
        ("admin", "missions.delete_task", True),
        ("operator", "missions.view_task", True),
        ("operator", "missions.add_task", True),
        ("operator", "missions.change_task", True),
        ("operator", "missions.delete_task", True),
        ("operator", "accounts.view_user", False),
        ("viewer", "missions.view_task", True),
        ("viewer", "missions.change_task", False),
        ("viewer", "accounts.view_user", False),
        (None, "missions.view_task", False),
    ],
)
def test_django_permissions_follow_the_role_with_no_query_for_each(
    role: str | None, permission: str, held: bool, django_assert_max_num_queries: Any
) -> None:
    user = person(role)
    with django_assert_max_num_queries(1):
        for _ in range(5):
            assert user.has_perm(permission) is held
    assert user.has_module_perms("accounts") is (role == "admin")
    assert user.has_module_perms("missions") is (role is not None)


def test_a_deactivated_admin_may_do_nothing() -> None:
    person("admin")
    user = revise(person("admin"), is_active=False)
    assert not user.has_perm("missions.view_task")
    assert user.scopes == frozenset()


def test_the_roles_nest_and_only_the_admin_manages_accounts() -> None:
    table = roles.ROLES
    assert table["viewer"] < table["agent"] < table["operator"] < table["admin"]
    assert [role for role in table if "accounts:admin" in table[role]] == ["admin"]
    assert all(scope.endswith(":read") for scope in table["viewer"])


def test_an_address_names_one_account_whatever_its_case() -> None:
    person(email="Ada@example.org")
    with pytest.raises(managing_people.EmailTaken):
        person(email="ada@EXAMPLE.org")
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="ADA@example.org", created_at=now, updated_at=now)


def test_an_account_is_found_by_id_and_by_address() -> None:
    user = person(email="Ada@example.org")
    assert User.objects.identified(user.pk) == user
    assert User.objects.identified("ada@example.org") == user
    assert User.objects.get_by_natural_key("ADA@example.org") == user


@pytest.mark.parametrize("password", ["short", "x" * 11, "password1234", "ada.lovelace@example.org"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        person(email="ada.lovelace@example.org", password=password)
    assert "password" in refused.value.errors
    assert not User.objects.filter(email="ada.lovelace@example.org").exists()


def test_a_service_account_has_no_password_and_people_are_no_agents() -> None:
    assert not service().has_usable_password()
    with pytest.raises(Invalid):
        service(password=PASSWORD)
    with pytest.raises(Invalid):
        person("agent")


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "viewer"}, {"role": None}])
def test_the_last_admin_stays(change: dict[str, Any]) -> None:
    first = person("admin")
    for other in User.objects.with_role("admin").exclude(pk=first.pk):
        revise(other, role=None)
    with pytest.raises(managing_people.LastAdmin):
        revise(first, **change)
    person("admin")
    assert revise(first, **change).role != "admin" or not User.objects.get(pk=first.pk).is_active


def test_what_does_not_differ_is_no_change() -> None:
    user = person("viewer", name="Ada")
    entries = Entry.objects.count()
    same = revise(user, name="Ada", role="viewer", is_active=True)
    assert same.version == 1
    assert Entry.objects.count() == entries


def test_a_change_is_told_without_the_password() -> None:
    user = revise(person(), name="Ada", role="viewer", password=PASSWORD)
    told = Entry.objects.of_kind("account").latest("pk")
    assert told.data["fields"] == {"name": "Ada", "role": "viewer", "password": "changed"}
    assert PASSWORD not in told.canonical
    assert user.password not in told.canonical
    assert user.version == 2


def test_an_old_version_changes_nothing() -> None:
    user = person()
    revise(user, name="Ada")
    with pytest.raises(Stale):
        revise(user, name="Grace", expected=1)
    assert User.objects.get(pk=user.pk).name == "Ada"


def test_an_admin_makes_and_revises_accounts_over_the_api() -> None:
    admin = client_of(person("admin"))
    made = admin.post(
        "/api/accounts",
        {"account": {"email": "ada@example.org", "role": "viewer", "password": PASSWORD}},
        format="json",
    )
    assert made.status_code == 201
    assert made["ETag"] == '"1"'
    assert "password" not in made.json()
    patched = admin.patch("/api/accounts/ada@example.org", {"role": "operator"}, format="json")
    assert patched.json()["role"] == "operator"
    assert patched["ETag"] == '"2"'
    stale = admin.patch("/api/accounts/ada@example.org", {"name": "A"}, format="json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    shown = admin.get(f"/api/accounts/{made.json()['id']}").json()
    assert (shown["email"], shown["role"], shown["kind"]) == ("ada@example.org", "operator", "person")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "no address"},
        {"email": "a@example.org", "role": "emperor"},
        {"email": "a@example.org", "surplus": 1},
        {"email": "a@example.org", "kind": "robot"},
        {"email": 7},
        {"email": "a@example.org", "password": "short"},
        {"email": "a@example.org", "kind": "service", "password": PASSWORD},
    ],
)
def test_a_bad_body_is_422_and_names_the_field(body: dict[str, Any]) -> None:
    answer = client_of(person("admin")).post("/api/accounts", body, format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not User.objects.filter(email="a@example.org").exists()


@pytest.mark.parametrize("role", ["operator", "viewer", None])
def test_only_an_admin_sees_accounts(role: str | None) -> None:
    client = client_of(person("viewer"), ["tasks:read"]) if role is None else client_of(person(role))
    assert client.get("/api/accounts").status_code == 403
    assert client.post("/api/accounts", {"email": "a@example.org"}, format="json").status_code == 403
    assert client.patch("/api/accounts/1", {"name": "a"}, format="json").status_code == 403


def test_the_list_of_accounts_costs_the_same_for_one_and_for_many(django_assert_max_num_queries: Any) -> None:
    admin = client_of(person("admin"))
    admin.get("/api/accounts")
    for _ in range(5):
        person()
    with django_assert_max_num_queries(2):
        assert len(admin.get("/api/accounts").json()["results"]) > 5
    assert admin.get("/api/accounts?kind=service").json()["results"] == []
    assert admin.get("/api/accounts?kind=robot").status_code == 400


@pytest.mark.parametrize("key", ["%00", "0", "999999999999999999999999", "%C2%B2", "a%0A", "nobody@example.org"])
def test_a_key_that_names_nobody_is_404(key: str) -> None:
    answer = client_of(person("admin")).get(f"/api/accounts/{key}")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("application/problem+json")


def test_a_method_that_an_address_does_not_take_is_405() -> None:
    client = client_of(person("viewer"))
    for path in ("/api/accounts", "/api/accounts/1", "/api/me", "/api/tokens/1"):
        assert client.put(path, {}, format="json").status_code == 405


def test_me_tells_what_the_credential_may_do() -> None:
    user = person("operator", name="Ada")
    shown = client_of(user, ["tasks:read"]).get("/api/me").json()
    assert (shown["name"], shown["role"], shown["scopes"]) == ("Ada", "operator", ["tasks:read"])


def test_who_asks_is_told_with_the_request_id() -> None:
    admin = person("admin")
    client_of(admin).post(
        "/api/accounts", {"email": "a@example.org"}, format="json", headers={"X-Request-Id": "asked-by-test"}
    )
    told = Entry.objects.of_kind("account").latest("pk")
    assert (told.actor_kind, told.actor_id, told.actor_name) == ("person", admin.pk, admin.email)
    assert told.request_id == "asked-by-test"
