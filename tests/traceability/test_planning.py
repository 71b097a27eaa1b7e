"""Objectives, key results and requirements: what may change, what is told, and when a requirement is a new one."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from coordinator.lib.errors import Invalid, Stale
from tests.traceability.plans import BY, CHANGE, key_result, mission, objective, requirement, task
from traceability.models import Entry, KeyResult, Requirement
from traceability.services import planning

pytestmark = pytest.mark.django_db


def kinds_of(row: Any) -> list[str]:
    told = Entry.objects.filter(subject_type=row.subject.type, subject_id=row.pk).order_by("pk")
    return list(told.values_list("kind", flat=True))


def test_every_birth_and_change_is_told() -> None:
    goal = objective()
    result = key_result(goal)
    wish = requirement(result)
    planning.revise_objective(goal, title="Other", **CHANGE)
    planning.revise_key_result(result, current=Decimal(5), **CHANGE)
    planning.revise_requirement(wish, priority="p0", **CHANGE)
    assert kinds_of(goal) == ["objective.created", "objective.updated"]
    assert kinds_of(result) == ["key_result.created", "key_result.updated"]
    assert kinds_of(wish) == ["requirement.created", "requirement.updated"]
    born = Entry.objects.get(kind="requirement.created").data["fields"]
    assert born["key_result"] == {"id": result.pk, "key": result.key}
    assert Entry.objects.get(kind="key_result.updated").data["fields"] == {"current": "5"}


def test_what_does_not_differ_is_no_change() -> None:
    wish = requirement(title="Fast", description="Very")
    entries = Entry.objects.count()
    same = planning.revise_requirement(wish, title="Fast", description="Very", key_result=None, **CHANGE)
    assert (same.version, same.revision) == (1, 1)
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("change", [{"title": "Faster"}, {"description": "In 10 ms"}])
def test_other_words_are_a_new_revision_and_make_links_suspect(change: dict[str, Any]) -> None:
    wish = requirement(title="Fast", description="")
    served = task(mission(), wish)
    later = planning.revise_requirement(wish, **change, **CHANGE)
    assert (later.revision, later.version) == (2, 2)
    assert later.fingerprint == Requirement.fingerprint_of(title=later.title, description=later.description)
    assert served.requirement_links.get().revision == 1
    told = Entry.objects.get(kind="requirement.updated").data["fields"]
    assert told == {**change, "revision": 2}


def test_words_that_come_back_are_yet_another_revision() -> None:
    wish = requirement(title="Fast")
    for title in ("Faster", "Fast"):
        wish = planning.revise_requirement(wish, title=title, **CHANGE)
    assert wish.revision == 3


@pytest.mark.parametrize("change", [{"priority": "p0"}, {"horizon": "h3"}, {"status": "approved"}])
def test_a_change_of_anything_else_keeps_the_revision(change: dict[str, Any]) -> None:
    assert planning.revise_requirement(requirement(), **change, **CHANGE).revision == 1


def test_a_requirement_moves_to_another_key_result_and_away() -> None:
    wish = requirement(key_result())
    other = key_result()
    assert planning.revise_requirement(wish, key_result=other, **CHANGE).key_result == other
    assert planning.revise_requirement(wish, key_result=None, **CHANGE).key_result is None


def test_a_key_result_that_goes_nowhere_is_refused() -> None:
    with pytest.raises(Invalid):
        key_result(start=Decimal(5), target=Decimal(5))
    result = key_result(start=Decimal(1), target=Decimal(2))
    changes: list[dict[str, Any]] = [
        {"target": Decimal(1)},
        {"start": Decimal(2)},
        {"start": Decimal(7), "target": Decimal("7.0")},
    ]
    for change in changes:
        with pytest.raises(Invalid) as refused:
            planning.revise_key_result(result, **change, **CHANGE)
        assert "target" in refused.value.errors
    with pytest.raises(IntegrityError), transaction.atomic():
        KeyResult.objects.filter(pk=result.pk).update(target=1)


@pytest.mark.parametrize(
    ("start", "target", "current", "share"),
    [(0, 100, 25, "0.25"), (0, 100, -5, "0"), (0, 100, 250, "1"), (200, 100, 150, "0.5"), (0, 3, 1, "0.3333")],
)
def test_progress_is_the_share_of_the_way_also_downwards(start: int, target: int, current: int, share: str) -> None:
    result = key_result(start=Decimal(start), target=Decimal(target), current=Decimal(current))
    assert result.progress == Decimal(share)


def test_an_objective_is_the_weighted_mean_of_its_key_results() -> None:
    goal = objective()
    assert goal.progress is None
    key_result(goal, current=Decimal(100), weight=Decimal(3))
    key_result(goal, current=Decimal(0), weight=Decimal(1))
    assert type(goal).objects.shown().get(pk=goal.pk).progress == Decimal("0.75")
    weightless = objective()
    key_result(weightless, weight=Decimal(0))
    assert weightless.progress is None


def test_an_old_version_changes_nothing() -> None:
    rows: list[tuple[Any, Any]] = [
        (planning.revise_objective, objective()),
        (planning.revise_key_result, key_result()),
        (planning.revise_requirement, requirement()),
    ]
    for revise, row in rows:
        revise(row, title="New", **CHANGE)
        with pytest.raises(Stale):
            revise(row, title="Newer", expected=1, **BY)
        assert type(row).objects.get(pk=row.pk).title == "New"


def test_a_public_key_names_one_row_of_its_kind_for_good() -> None:
    objective(objective_id="a")
    key_result(kr_id="a")
    requirement(requirement_id="a")
    for make in (lambda: objective(objective_id="a"), lambda: requirement(requirement_id="a")):
        with pytest.raises(planning.KeyTaken):
            make()
    with pytest.raises(Invalid, match="does not change"):
        planning.revise_key_result(key_result(), kr_id="b", **CHANGE)


def test_nothing_is_told_of_what_was_not_made() -> None:
    objective(objective_id="a")
    entries = Entry.objects.count()
    with pytest.raises(planning.KeyTaken):
        objective(objective_id="a")
    assert Entry.objects.count() == entries
