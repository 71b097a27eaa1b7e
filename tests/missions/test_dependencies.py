"""Dependencies: an acyclic graph, by the service and by the database."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from missions.models import Dependency, Task
from missions.services import planning
from tests.missions import world
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def depend(client: APIClient, row: Task, *needs: Task) -> Any:
    return client.patch(f"/api/tasks/{row.key}", {"depends_on": [need.key for need in needs]}, format="json")


def test_a_cycle_is_refused_and_changes_nothing(operator: APIClient) -> None:
    first, second, third = (world.task() for _ in range(3))
    assert depend(operator, second, first).status_code == 200
    assert depend(operator, third, second).status_code == 200
    for row, need in ((first, third), (first, second), (first, first)):
        answer = depend(operator, row, need)
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["depends_on"]
    assert Dependency.objects.count() == 2
    assert Task.objects.get(pk=first.pk).version == 1


def test_dependencies_cross_missions_and_are_replaced_as_a_whole(operator: APIClient) -> None:
    row, one, other = world.task(), world.task(), world.task()
    assert depend(operator, row, one).json()["depends_on"] == [one.key]
    assert depend(operator, row, other, one, one).json()["depends_on"] == sorted([one.key, other.key])
    assert depend(operator, row).json()["depends_on"] == []


def test_the_database_refuses_a_cycle(db: None) -> None:
    first, second = world.task(), world.task()
    planning.revise_task(second, expected=None, depends_on=[first], actor=SYSTEM, now=timezone.now())
    for row, need in ((first, second), (first, first)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Dependency.objects.create(task=row, needs=need)


@given(edges=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_the_graph_stays_acyclic(operator: APIClient, edges: list[tuple[int, int]]) -> None:
    with transaction.atomic():
        owner = world.mission()
        rows = [world.task(owner) for _ in range(5)]
        known: dict[int, set[int]] = {number: set() for number in range(5)}
        for row, need in edges:
            wanted = known[row] | {need}
            answer = depend(operator, rows[row], *(rows[each] for each in wanted))
            assert answer.status_code == (422 if reaches(known, need, row) else 200)
            if answer.status_code == 200:
                known[row] = wanted
        transaction.set_rollback(True)


def reaches(known: dict[int, set[int]], start: int, goal: int) -> bool:
    """Whether `goal` is `start` or something that it waits for."""
    return start == goal or any(reaches(known, need, goal) for need in known[start])
