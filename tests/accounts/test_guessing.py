"""Guessing a password is slow, and slower after each failure; the owner is not locked out by a stranger."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import FailedSignIn, User
from accounts.services import managing_people, signing_in
from coordinator.lib.errors import TooMany
from tests.factories import person, service
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def failed(email: str, times: Any, *, ip: Any = "192.0.2.1", at: Any = None) -> Any:
    at = at or timezone.now()
    FailedSignIn.objects.bulk_create([FailedSignIn(email=email, ip=ip, at=at) for _ in range(times)])


def check(user: User, password: str = PASSWORD, *, ip: Any = "192.0.2.1", now: Any = None) -> Any:
    return signing_in.check_password(user.email, password, ip=ip, now=now or timezone.now())


def test_passwords_are_kept_with_bcrypt() -> None:
    assert identify_hasher(person(password=PASSWORD).password).algorithm == "bcrypt_sha256"


def test_the_right_password_signs_in_whatever_the_case_of_the_address() -> None:
    user = person(password=PASSWORD, email="Ada@Example.org")
    for email in ("ada@example.org", " ADA@EXAMPLE.ORG "):
        assert signing_in.check_password(email, PASSWORD, ip=None, now=timezone.now()) == user


def test_a_service_account_and_a_deactivated_one_cannot_sign_in() -> None:
    agent, gone = service(), person(password=PASSWORD)
    managing_people.revise_account(gone, is_active=False, actor=SYSTEM, now=timezone.now())
    User.objects.filter(pk=agent.pk).update(password=gone.password)
    for user in (agent, gone):
        with pytest.raises(signing_in.WrongPassword):
            check(user)


def test_after_ten_failures_even_the_right_password_waits_and_is_told_how_long() -> None:
    user, now = person(password=PASSWORD), timezone.now()
    failed(user.email, 10, at=now - timedelta(minutes=5))
    with pytest.raises(TooMany) as refused:
        check(user, now=now)
    assert 590 < refused.value.retry_after_s <= 601
    assert check(user, now=now + timedelta(minutes=10, seconds=2)) == user


def test_refused_attempts_do_not_make_the_wait_longer() -> None:
    user, now = person(password=PASSWORD), timezone.now()
    failed(user.email, 10, at=now)
    for _ in range(3):
        with pytest.raises(TooMany):
            check(user, now=now)
    assert FailedSignIn.objects.filter(email=user.email).count() == 10


def test_a_stranger_who_guesses_does_not_lock_the_owner_out() -> None:
    user = person(password=PASSWORD)
    failed(user.email, 50, ip="198.51.100.1")
    assert check(user) == user


def test_an_address_that_failed_often_gets_no_second_try_at_any_account() -> None:
    user = person(password=PASSWORD)
    failed(user.email, 1)
    for number in range(50):
        failed(f"guess-{number}@example.org", 1)
    for email in (user.email, "guess-1@example.org"):
        with pytest.raises(TooMany):
            signing_in.check_password(email, PASSWORD, ip="192.0.2.1", now=timezone.now())
    assert check(user, ip="192.0.2.2") == user


def test_who_fails_often_locks_nobody_else_behind_the_same_address_out() -> None:
    user = person(password=PASSWORD)
    failed("somebody@example.org", 60)
    assert check(user) == user


def test_beyond_fifty_failures_a_known_and_an_unknown_account_are_answered_alike() -> None:
    user = person(password=PASSWORD)
    failed("somebody@example.org", 60)
    for email in (user.email, "nobody@example.org"):
        with pytest.raises(signing_in.WrongPassword):
            signing_in.check_password(email, "wrong password", ip="192.0.2.1", now=timezone.now())


def test_beyond_five_hundred_failures_only_who_is_signed_in_there_signs_in_there() -> None:
    known, new = person(password=PASSWORD), person(password=PASSWORD)
    signing_in.open_session(known, ip="192.0.2.1", user_agent="", now=timezone.now())
    failed("somebody@example.org", 500)
    assert check(known) == known
    with pytest.raises(TooMany):
        check(new)
    assert check(new, ip="192.0.2.2") == new


@pytest.mark.parametrize(
    ("behind", "noted", "address"),
    [
        (True, "203.0.113.7", "203.0.113.7"),
        (True, "10.9.9.9, 203.0.113.7", "203.0.113.7"),
        (True, "2001:db8::1", "2001:db8::1"),
        (True, "nonsense", "127.0.0.1"),
        (True, "", "127.0.0.1"),
        (False, "203.0.113.7", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_the_address_is_the_last_that_the_proxy_noted(
    settings: Any, behind: bool, noted: str, address: str
) -> None:
    settings.BEHIND_PROXY = behind
    asked = {"email": "nobody@example.org", "password": "wrong password"}
    APIClient().post("/api/sessions", asked, format="json", headers={"X-Forwarded-For": noted})
    assert FailedSignIn.objects.get().ip == address


def test_many_addresses_that_try_one_account_are_slowed_down() -> None:
    user = person(password=PASSWORD)
    for number in range(100):
        failed(user.email, 1, ip=f"198.51.100.{number}")
    with pytest.raises(TooMany):
        check(user)


def test_success_forgets_the_failures_of_this_address() -> None:
    user = person(password=PASSWORD)
    failed(user.email, 9)
    check(user)
    assert not FailedSignIn.objects.filter(email=user.email).exists()


def test_the_api_answers_429_with_retry_after() -> None:
    user = person(password=PASSWORD)
    failed(user.email, 10, ip="127.0.0.1")
    answer = APIClient().post("/api/sessions", {"email": user.email, "password": PASSWORD}, format="json")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 901


def test_the_sign_in_page_says_to_wait(client: Client) -> None:
    user = person(password=PASSWORD)
    failed(user.email, 10, ip="127.0.0.1")
    page = client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert page.status_code == 200
    assert "Too many failed sign-ins" in page.content.decode()


def test_a_wrong_password_on_the_page_counts(client: Client) -> None:
    user = person(password=PASSWORD)
    client.post("/admin/login/", {"username": user.email, "password": "wrong password"})
    assert FailedSignIn.objects.filter(email=user.email, ip="127.0.0.1").count() == 1


def test_an_unknown_address_costs_as_much_hashing_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    user = person(password=PASSWORD)
    spent = []
    hasher = type(identify_hasher(user.password))
    encode = hasher.encode

    def counted(*given: Any) -> str:
        spent.append(1)
        return str(encode(*given))

    monkeypatch.setattr(hasher, "encode", counted)
    for email in (user.email, "nobody@example.org"):
        with pytest.raises(signing_in.WrongPassword):
            signing_in.check_password(email, "wrong password", ip=None, now=timezone.now())
        spent.append(0)
    assert spent == [1, 0, 1, 0]


def test_old_failures_are_purged() -> None:
    failed("a@example.org", 2, at=timezone.now() - timedelta(minutes=16))
    failed("a@example.org", 1)
    signing_in.purge(now=timezone.now())
    assert FailedSignIn.objects.count() == 1
