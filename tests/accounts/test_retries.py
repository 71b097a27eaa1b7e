"""`Idempotency-Key`: one change, one answer, however often it is asked for."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import jobs
from accounts.models import ApiToken, RememberedAnswer, User
from accounts.services import issuing_tokens, managing_people
from accounts.sessions import digest
from tests.factories import client_of, client_with, person, service, token_of, unique
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.retry_urls")]


def post(client: Client, path: str = "/api/count", key: str = "k", email: str = "a@example.org", **headers: Any) -> Any:
    headers = {"Idempotency-Key": key, **headers}
    return client.post(path, {"email": email}, format="json", headers=headers)


def count(email: str = "a@example.org") -> Any:
    return User.objects.filter(email=email).count()


def test_the_same_request_gets_the_first_answer_again() -> None:
    client = client_of(person())
    first, again = post(client), post(client)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert again["Content-Type"] == first["Content-Type"]
    assert count() == 1


def test_without_a_key_nothing_is_remembered() -> None:
    client = client_of(person())
    assert client.post("/api/count", {"email": "a@example.org"}, format="json").status_code == 201
    assert client.post("/api/count", {"email": "a@example.org"}, format="json").status_code == 409
    assert not RememberedAnswer.objects.exists()


def test_another_body_with_the_same_key_is_422() -> None:
    client = client_of(person())
    post(client)
    answer = post(client, email="b@example.org")
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["errors"]
    assert count("b@example.org") == 0


@pytest.mark.parametrize("path", ["/api/other", "/api/count?x=1"])
def test_another_address_with_the_same_key_is_422(path: str) -> None:
    client = client_of(person())
    post(client)
    assert post(client, path).status_code == 422


@pytest.mark.parametrize("key", ["", " ", "two words", "k" * 256, "schlüssel", "tab\tkey"])
def test_a_key_that_is_not_1_to_255_visible_ascii_is_400(key: str) -> None:
    answer = post(client_of(person()), key=key.encode().decode("latin-1"))
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")
    assert count() == 0


def test_the_longest_key_is_taken() -> None:
    assert post(client_of(person()), key="k" * 255).status_code == 201


def test_a_refusal_is_remembered_too() -> None:
    client = client_of(person())
    person(email="a@example.org")
    first, again = post(client), post(client)
    assert first.status_code == again.status_code == 409
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"].startswith("application/problem+json")


def test_a_fault_of_ours_is_not_remembered_and_leaves_nothing_behind() -> None:
    client = client_of(person())
    assert post(client, "/api/fail").status_code == 500
    assert count() == 0
    assert not RememberedAnswer.objects.exists()
    assert not Entry.objects.filter(kind="account.created", subject_key="a@example.org").exists()
    assert post(client).status_code == 201


def test_a_key_belongs_to_its_account() -> None:
    post(client_of(person()))
    answer = post(client_of(person()), email="b@example.org")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_a_key_works_with_every_token_of_the_account() -> None:
    user = person()
    post(client_of(user))
    assert post(client_of(user))["Idempotent-Replayed"] == "true"


def test_a_revoked_token_gets_no_replay() -> None:
    user = person()
    plain = token_of(user)
    assert post(client_with(plain)).status_code == 201
    row = ApiToken.objects.get(digest=digest(plain))
    issuing_tokens.revoke(row, actor=SYSTEM, now=timezone.now())
    assert post(client_with(plain)).status_code == 401


def test_a_token_without_the_scope_gets_no_replay() -> None:
    user = person()
    post(client_of(user))
    assert post(client_of(user, ["tasks:read"])).status_code == 403


def test_who_lost_the_scope_gets_no_replay() -> None:
    user = person()
    client = client_of(user)
    post(client)
    managing_people.revise_account(user, role="viewer", actor=SYSTEM, now=timezone.now())
    assert post(client).status_code == 403


def test_no_credential_is_401_and_not_remembered(client: Client) -> None:
    answer = client.post("/api/count", {}, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert not RememberedAnswer.objects.exists()


def test_a_browser_session_may_repeat_too(client: Client) -> None:
    user = person()
    client.force_login(user)
    asked: dict[str, Any] = {
        "path": "/api/count",
        "data": {"email": "a@example.org"},
        "content_type": "application/json",
    }
    assert client.post(**asked, headers={"Idempotency-Key": "k"}).status_code == 201
    assert client.post(**asked, headers={"Idempotency-Key": "k"})["Idempotent-Replayed"] == "true"


def test_an_agent_may_repeat_too() -> None:
    client = client_of(service())
    assert post(client).status_code == 201
    assert post(client)["Idempotent-Replayed"] == "true"


def test_an_answer_is_forgotten_after_24_hours() -> None:
    client = client_of(person())
    post(client)
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    answer = post(client, email="b@example.org")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer
    assert post(client, email="b@example.org")["Idempotent-Replayed"] == "true"


def test_the_job_purges_what_is_forgotten_and_keeps_the_rest() -> None:
    client = client_of(person())
    post(client, key="old")
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    post(client, key="new", email="b@example.org")
    jobs.purge()
    jobs.purge()
    assert list(RememberedAnswer.objects.values_list("key", flat=True)) == ["new"]


def test_a_streamed_answer_is_not_remembered() -> None:
    client = client_of(person())
    assert post(client, "/api/stream-out").status_code == 200
    assert not RememberedAnswer.objects.exists()


def test_an_address_that_does_not_exist_is_404() -> None:
    assert post(client_of(person()), "/api/nothing").status_code == 404


def test_while_the_first_is_running_the_second_is_409_with_retry_after() -> None:
    user = person()
    key = unique("running")
    given = connection.get_connection_params()
    parameters = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if given.get(name)}
    with psycopg.connect(**parameters) as running:
        running.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{user.pk}\x1f{key}"])
        answer = post(client_of(user), key=key)
    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"
    assert count() == 0
