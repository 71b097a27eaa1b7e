"""Many at once, with real transactions."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services import signing_in
from tests.factories import client_with
from traceability.models import Entry

MANY = 20


def at_once(do: Any) -> Any:
    """Calls `do` from many threads at the same moment; answers what each gave."""
    barrier = Barrier(MANY)

    def run(_: Any) -> Any:
        try:
            barrier.wait(timeout=30)
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(run, range(MANY)))


def test_twenty_identical_posts_make_one_change(committed: User) -> None:
    _, token = signing_in.open_session(committed, ip=None, user_agent="", now=timezone.now())
    name = uuid.uuid4().hex

    def ask() -> Any:
        asked = {"name": name, "scopes": ["tasks:read"]}
        return client_with(token).post("/api/tokens", asked, format="json", headers={"Idempotency-Key": name})

    answers = at_once(ask)
    firsts = [answer for answer in answers if answer.status_code == 201 and "Idempotent-Replayed" not in answer]
    assert len(firsts) == 1
    for answer in answers:
        assert answer.status_code in {201, 409}
        if answer.status_code == 201:
            assert answer.json()["id"] == firsts[0].json()["id"]
        else:
            assert answer["Retry-After"] == "1"
    assert ApiToken.objects.filter(name=name).count() == 1
    assert Entry.objects.filter(kind="token.issued", body__contains=name).count() == 1
    assert ask()["Idempotent-Replayed"] == "true"


def test_guessing_from_many_connections_at_once_gets_no_more_tries(committed: User) -> None:
    def ask() -> Any:
        asked = {"email": committed.email, "password": "not the password"}
        return APIClient().post("/api/sessions", asked, format="json")

    statuses = [answer.status_code for answer in at_once(ask)]
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= signing_in.MOST_BY_PAIR
