"""A policy that changes while requests run: every process judges by it at once, each decision by one revision."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from policies.models import Policy
from policies.services import revising
from tests.factories import person, token_of
from tests.policies.rows import FORCE_PUSH, policy, revise
from traceability.events import SYSTEM

Asking = Callable[[], dict[str, Any]]
WORDS = {"warn": "Say why.", "block": "Never.", "escalate": "A person looks."}


@pytest.fixture
def asking(served: str, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token_of(person('operator'))}"
        yield partial(asked, session, served)


def asked(session: requests.Session, address: str) -> dict[str, Any]:
    answer = session.post(f"{address}/api/policies/evaluate", json={"action": FORCE_PUSH}, timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_another_process_judges_by_a_change_from_the_next_question_on(asking: Asking) -> None:
    row = policy(actions=[{"warn": WORDS["warn"]}])
    assert asking()["outcome"] == "warn"
    revise(row, actions=[{"block": WORDS["block"]}])
    assert asking()["outcome"] == "block"
    revising.activate(row, revision=1, expected=None, actor=SYSTEM, now=timezone.now())
    found = asking()
    assert (found["outcome"], found["decisions"][0]["revision"]) == ("warn", 3)


def test_while_a_policy_changes_each_decision_is_of_one_revision(asking: Asking) -> None:
    row = policy(actions=[{"warn": WORDS["warn"]}])
    said = {1: "warn"}

    def change() -> None:
        for number, word in enumerate(["block", "escalate", "warn"] * 3, 2):
            said[number] = word
            revise(Policy.objects.get(pk=row.pk), actions=[{word: WORDS[word]}])
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        found = [asking()["decisions"][0]]
        while not changing.done():
            found.append(asking()["decisions"][0])
        changing.result()
    found.append(asking()["decisions"][0])
    assert found[-1]["revision"] == 10
    assert [each["revision"] for each in found] == sorted(each["revision"] for each in found)
    for each in found:
        word = said[each["revision"]]
        assert (each["would_have"], each["message"]) == (word, WORDS[word])
