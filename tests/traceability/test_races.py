"""Many at once, with real transactions: one change for one version, one row for one key."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError

from coordinator.lib.errors import Stale
from tests.traceability.conftest import at_once
from tests.traceability.plans import BY, objective, requirement
from traceability.models import Entry, Objective, Requirement
from traceability.services import planning

MANY = 8


@pytest.fixture
def key(committing: None) -> Iterator[str]:
    """A public key of this test's own; what it names is removed afterwards."""
    word = f"race-{uuid.uuid4().hex}"
    yield word
    Requirement.objects.keyed(word).delete()
    Objective.objects.keyed(word).delete()


def outcome(do: Callable[[], Any]) -> str:
    try:
        do()
    except (Stale, planning.KeyTaken, IntegrityError) as refused:
        return type(refused).__name__
    return "done"


def test_of_many_changes_of_one_version_one_is_made(key: str) -> None:
    wish = requirement(requirement_id=key, title="Fast")

    def change() -> str:
        title = uuid.uuid4().hex
        return outcome(lambda: planning.revise_requirement(wish, title=title, expected=1, **BY))

    assert Counter(at_once([change] * MANY)) == {"done": 1, "Stale": MANY - 1}
    assert (wish.__class__.objects.get(pk=wish.pk).revision) == 2
    assert Entry.objects.filter(kind="requirement.updated", subject_id=wish.pk).count() == 1


def test_changes_without_a_version_wait_for_each_other_and_all_count(key: str) -> None:
    wish = requirement(requirement_id=key, title="Fast")
    titles = [uuid.uuid4().hex for _ in range(MANY)]
    jobs = [lambda title=title: planning.revise_requirement(wish, title=title, expected=None, **BY) for title in titles]
    at_once(jobs)
    assert Requirement.objects.get(pk=wish.pk).revision == MANY + 1
    told = Entry.objects.filter(kind="requirement.updated", subject_id=wish.pk).order_by("seq")
    assert [entry.data["fields"]["revision"] for entry in told] == list(range(2, MANY + 2))


def test_of_many_with_one_key_one_is_made_and_told(key: str) -> None:
    made = Counter(at_once([lambda: outcome(lambda: objective(objective_id=key))] * MANY))
    assert made["done"] == 1
    assert made["KeyTaken"] + made["IntegrityError"] == MANY - 1
    assert Entry.objects.filter(kind="objective.created", subject_key=key).count() == 1
