"""`Idempotency-Key` where things go wrong or take long: the database goes away, other machines are waited for."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import resolve
from django.utils import timezone

from accounts.models import RememberedAnswer, User
from accounts.services import remembering
from tests.factories import client_of, client_with, token_of

pytestmark = pytest.mark.urls("tests.accounts.retry_urls")


def post(client: Any, path: str, email: str = "a@example.org") -> Any:
    client.raise_request_exception = False
    return client.post(path, {"email": email}, format="json", headers={"Idempotency-Key": "k"})


@pytest.mark.urls("coordinator.urls")
@pytest.mark.parametrize("path", ["/api/tasks/t/approve", "/api/github/sync", "/api/agents/a/health"])
def test_what_waits_for_github_or_an_adapter_is_declared_outward(path: str) -> None:
    called: Any = resolve(path).func
    assert called.actions["post"] in called.cls.outward


@pytest.mark.parametrize("path", ["/api/severed", "/api/severed-at-commit"])
def test_a_database_that_goes_away_is_503_with_retry_after_and_nothing_is_kept(committed: User, path: str) -> None:
    client = client_of(committed)
    answer = post(client, path)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) > 0
    connection.close()
    assert not RememberedAnswer.objects.exists()
    assert not User.objects.filter(email="a@example.org").exists()
    assert post(client, "/api/count").status_code == 201


def test_a_database_that_is_away_is_503_with_retry_after(committed: User) -> None:
    client = client_with(token_of(committed))
    known = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        answer = post(client, "/api/count")
    finally:
        connection.settings_dict["PORT"] = known
        connection.close()
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) > 0


def test_around_outward_work_no_transaction_is_open_and_its_answer_is_kept(committed: User) -> None:
    client = client_of(committed)
    first, again = post(client, "/api/outward"), post(client, "/api/outward")
    assert (first.status_code, first.json()["in_transaction"]) == (201, False)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert User.objects.filter(email="a@example.org").count() == 1


def test_outward_work_that_fails_gives_its_key_back(committed: User) -> None:
    client = client_of(committed)
    assert post(client, "/api/outward", "fail").status_code == 500
    assert not RememberedAnswer.objects.exists()
    assert post(client, "/api/outward").status_code == 201


def test_while_outward_work_runs_its_key_is_409_and_later_it_is_free_again(committed: User) -> None:
    client = client_of(committed)
    post(client, "/api/outward")
    RememberedAnswer.objects.update(status=remembering.RUNNING, body=b"")
    answer = post(client, "/api/outward")
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert post(client, "/api/outward", "b@example.org").status_code == 422
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    tried = post(client, "/api/outward")
    assert "Idempotent-Replayed" not in tried
    assert tried.json()["type"].endswith("email-taken")
    assert post(client, "/api/outward")["Idempotent-Replayed"] == "true"
