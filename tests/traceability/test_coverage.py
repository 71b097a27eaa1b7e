"""The tree counts right, says what is suspect and what nobody serves, and costs the same for one and for many."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from missions.lifecycle import TaskStatus
from missions.models import Task
from tests.factories import client_of, person
from tests.traceability.plans import CHANGE, key_result, mission, objective, requirement, task
from traceability import coverage, rollup
from traceability.services import planning

STATS = [
    "total_objectives", "total_key_results", "total_requirements", "total_tasks", "linked_tasks", "unlinked_tasks",
    "task_coverage",
]  # fmt: skip
SHARES = some.decimals(0, 1, places=4)


def test_the_glance_at_the_room_above_is_pinned() -> None:
    assert coverage.tasks().model is Task
    assert TaskStatus.COMPLETED == rollup.DONE


@pytest.mark.django_db
def test_an_empty_plan_has_figures_too() -> None:
    told = coverage.tree()
    assert list(told["stats"]) == STATS
    assert set(told["stats"].values()) == {0}
    assert (told["objectives"], told["requirements_without_tasks"]) == ([], [])


@pytest.mark.django_db
def test_the_tree_hangs_together_and_counts_right() -> None:
    goal = objective(objective_id="o-1")
    result = key_result(goal, kr_id="k-1", current=Decimal(40), weight=Decimal(3))
    key_result(goal, kr_id="k-2", weight=Decimal(1))
    half, none = (requirement(result, requirement_id=key) for key in ("half", "none"))
    loose = requirement(requirement_id="loose")
    serving = mission()
    task(serving, half, done=True, task_id="t-1")
    task(serving, half, loose, task_id="t-2")
    task(serving, task_id="t-3")
    told = client_of(person("viewer")).get("/api/traceability").json()
    assert told["stats"] == dict(zip(STATS, [1, 2, 3, 3, 2, 1, 66.67], strict=True))
    assert told["requirements_without_tasks"] == ["none"]
    top = told["objectives"][0]
    assert (top["objective_id"], top["progress"], top["work"]) == ("o-1", 0.3, 0.5)
    first, second = top["key_results"]
    assert (first["kr_id"], first["progress"], first["work"], first["requirements_with_tasks"]) == ("k-1", 0.4, 0.5, 1)
    assert (second["progress"], second["work"], second["requirements"]) == (0.0, None, [])
    assert [(each["requirement_id"], each["progress"]) for each in first["requirements"]] == [
        ("half", 0.5),
        ("none", None),
    ]
    assert [each["task_id"] for each in first["requirements"][0]["tasks"]] == ["t-1", "t-2"]
    assert first["requirements"][0]["tasks"][0]["mission"] == serving.key
    assert [each["requirement_id"] for each in told["requirements_without_key_result"]] == ["loose"]
    assert told["stats"] == coverage.stats()
    assert none.key in told["requirements_without_tasks"]


@pytest.mark.django_db
def test_a_task_is_suspect_after_its_requirement_was_reworded() -> None:
    wish = requirement(key_result(), title="Fast")
    serving = mission()
    task(serving, wish)
    wish = planning.revise_requirement(wish, title="Faster", **CHANGE)
    task(serving, wish)
    node = coverage.tree()["objectives"][0]["key_results"][0]
    assert node["suspect"] == node["requirements"][0]["suspect"] == 1
    assert [each["suspect"] for each in node["requirements"][0]["tasks"]] == [True, False]


@pytest.mark.django_db
@pytest.mark.parametrize("many", [1, 6])
def test_the_tree_costs_five_statements_however_large(many: int, django_assert_num_queries: Any) -> None:
    serving = mission()
    for _ in range(many):
        result = key_result()
        for _ in range(2):
            task(serving, requirement(result), requirement(result))
    with django_assert_num_queries(5):
        assert coverage.tree()["stats"]["linked_tasks"] == many * 2
    with django_assert_num_queries(5):
        coverage.stats()


@pytest.mark.django_db
def test_an_unknown_parameter_of_the_tree_is_400() -> None:
    assert client_of(person("viewer")).get("/api/traceability?depth=2").status_code == 400


@given(some.lists(some.sampled_from(TaskStatus.values)))
def test_work_is_the_share_of_tasks_that_are_done(statuses: list[str]) -> None:
    share = rollup.of_tasks(statuses)
    if not statuses:
        assert share is None
    else:
        assert share is not None
        assert abs(share - Decimal(statuses.count("completed")) / len(statuses)) <= Decimal("0.00005")


@given(some.lists(some.tuples(some.decimals(0, 1000, places=2), some.none() | SHARES), max_size=8))
def test_a_weighted_mean_lies_between_its_shares(pairs: list[tuple[Decimal, Decimal | None]]) -> None:
    counted = [share for weight, share in pairs if share is not None and weight]
    mean = rollup.weighted(pairs)
    if not counted:
        assert mean is None
    else:
        assert mean is not None
        assert min(counted) <= mean <= max(counted)


AMOUNTS = some.decimals(-10_000, 10_000, places=3)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_a_measure_is_never_below_0_nor_above_1(start: Decimal, target: Decimal, current: Decimal) -> None:
    if start != target:
        assert 0 <= rollup.of_measure(start, target, current) <= 1
        assert rollup.of_measure(start, target, target) == 1
        assert rollup.of_measure(start, target, start) == 0
