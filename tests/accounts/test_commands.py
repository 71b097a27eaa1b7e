"""The commands that make the first admin and its token."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import auth
from accounts.models import ApiToken, User
from tests.factories import person

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def run(*arguments: Any) -> Any:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_create_admin_prints_a_password_that_works() -> None:
    said = run("create_admin", "root@example.org")
    user = User.objects.get(email="root@example.org")
    assert user.role == "admin"
    assert user.check_password(said.split(": ")[-1].strip())


def test_create_admin_takes_the_address_as_an_option_and_the_password_from_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    said = run("create_admin", "--email", "root@example.org", "--password-stdin")
    assert PASSWORD not in said
    assert User.objects.get(email="root@example.org").check_password(PASSWORD)


def test_create_admin_refuses_a_weak_password_and_a_taken_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="12 characters"):
        run("create_admin", "root@example.org", "--password-stdin")
    person(email="taken@example.org")
    with pytest.raises(CommandError, match="already"):
        run("create_admin", "taken@example.org")


def test_create_api_token_prints_a_token_that_works() -> None:
    user = person("operator")
    plain = run("create_api_token", user.email, "--name", "ci", "--scopes", "tasks:read,trace:read").strip()
    found = auth.resolve(plain, timezone.now())
    assert found is not None
    assert found.scopes == {"tasks:read", "trace:read"}
    assert ApiToken.objects.get().expires_at is None


def test_create_api_token_prints_json_with_the_day_on_which_it_ends() -> None:
    user = person("operator")
    told = json.loads(run("create_api_token", user.email, "--days", "7", "--json"))
    token = ApiToken.objects.get()
    assert auth.resolve(told["token"], timezone.now())
    assert (told["prefix"], told["id"]) == (token.prefix, token.pk)
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert set(told["scopes"]) == user.scopes


def test_create_api_token_says_what_is_wrong() -> None:
    user = person("viewer")
    with pytest.raises(CommandError, match="does not hold"):
        run("create_api_token", user.email, "--scopes", "tasks:write")
    with pytest.raises(CommandError, match="no account"):
        run("create_api_token", "nobody@example.org")
    with pytest.raises(CommandError, match="days"):
        run("create_api_token", user.email, "--days", "-1")
