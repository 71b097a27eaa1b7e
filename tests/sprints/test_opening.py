"""A sprint's life: planned, active, completed; along the table, once each, and told."""

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from coordinator.lib.errors import Invalid, Refusal, Stale
from sprints.lifecycle import SPRINT_MOVES, SprintStatus
from sprints.models import Sprint
from sprints.services import opening
from tests.sprints.conftest import day, sprint_of
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
BY: dict[str, Any] = {"expected": None, "actor": SYSTEM, "now": day(2)}
PATHS = {
    SprintStatus.PLANNED: (),
    SprintStatus.ACTIVE: (opening.start_sprint,),
    SprintStatus.COMPLETED: (opening.start_sprint, opening.complete_sprint),
}


def sprint_that_is(status: SprintStatus) -> Sprint:
    sprint = sprint_of()
    for step in PATHS[status]:
        sprint = step(sprint, **BY)
    return sprint


def test_a_sprint_is_started_and_completed_and_says_when() -> None:
    sprint = sprint_that_is(SprintStatus.COMPLETED)
    assert (sprint.status, sprint.started_at, sprint.completed_at) == ("completed", day(2), day(2))
    told = Entry.objects.filter(subject_type="sprint", subject_id=sprint.pk).order_by("pk")
    assert [entry.kind for entry in told] == ["sprint.created", "sprint.moved", "sprint.moved"]
    assert [entry.data.get("after") for entry in told] == [None, "active", "completed"]


@pytest.mark.parametrize("before", SprintStatus)
@pytest.mark.parametrize("after", SprintStatus)
def test_only_the_moves_of_the_table_are_open(before: SprintStatus, after: SprintStatus) -> None:
    sprint = sprint_that_is(before)
    entries = Entry.objects.count()
    if after == before:
        assert opening.revise_sprint(sprint, status=after, **BY).version == sprint.version
    elif after in SPRINT_MOVES[before]:
        assert opening.revise_sprint(sprint, status=after, **BY).status == after
        return
    else:
        with pytest.raises(Refusal, match=f"is {before} and cannot become {after}"):
            opening.revise_sprint(sprint, name="Other", status=after, **BY)
    assert Sprint.objects.get(pk=sprint.pk).name == sprint.name
    assert Entry.objects.count() == entries


def test_starting_a_sprint_twice_is_refused() -> None:
    with pytest.raises(opening.SprintAlreadyStarted):
        opening.start_sprint(sprint_that_is(SprintStatus.ACTIVE), **BY)


def test_closing_a_sprint_twice_is_refused() -> None:
    with pytest.raises(opening.SprintAlreadyClosed):
        opening.complete_sprint(sprint_that_is(SprintStatus.COMPLETED), **BY)


def test_closing_a_sprint_that_never_began_is_refused() -> None:
    with pytest.raises(opening.SprintNotStarted):
        opening.complete_sprint(sprint_of(), **BY)


def test_a_closed_sprint_does_not_open_again() -> None:
    with pytest.raises(opening.SprintAlreadyClosed):
        opening.start_sprint(sprint_that_is(SprintStatus.COMPLETED), **BY)


def test_a_sprint_may_begin_at_once_but_not_be_born_completed() -> None:
    assert sprint_of(status="active").started_at is not None
    with pytest.raises(Invalid):
        sprint_of(status="completed")


@pytest.mark.parametrize(
    ("first", "last"), [(date(2026, 6, 2), date(2026, 6, 1)), (date(2026, 1, 1), date(2027, 1, 2))]
)
def test_a_sprint_that_ends_before_it_starts_or_never_is_refused(first: date, last: date) -> None:
    with pytest.raises(Invalid) as refused:
        sprint_of(start_date=first, end_date=last)
    assert "end_date" in refused.value.errors


def test_one_day_is_a_sprint() -> None:
    assert sprint_of(3, 3).days == 1


def test_a_changed_start_is_checked_against_the_present_end() -> None:
    sprint = sprint_of(1, 5)
    with pytest.raises(Invalid):
        opening.revise_sprint(sprint, start_date=date(2026, 6, 6), **BY)
    assert opening.revise_sprint(sprint, start_date=date(2026, 6, 5), **BY).start_date == date(2026, 6, 5)


def test_what_does_not_differ_is_no_change() -> None:
    sprint = sprint_of()
    entries = Entry.objects.count()
    assert opening.revise_sprint(sprint, name=sprint.name, status="planned", **BY).version == 1
    assert Entry.objects.count() == entries


def test_an_old_version_changes_nothing() -> None:
    sprint = opening.revise_sprint(sprint_of(), goal="More", **BY)
    for change in (opening.start_sprint, opening.complete_sprint):
        with pytest.raises(Stale):
            change(sprint, expected=1, actor=SYSTEM, now=day(2))
    with pytest.raises(Stale):
        opening.revise_sprint(sprint, expected=1, actor=SYSTEM, now=day(2), goal="Less")
    assert Sprint.objects.get(pk=sprint.pk).goal == "More"


def test_a_sprint_id_names_one_sprint_for_good() -> None:
    sprint_of(sprint_id="june")
    with pytest.raises(opening.SprintKeyTaken):
        sprint_of(sprint_id="june")
    with pytest.raises(Invalid, match="does not change"):
        opening.revise_sprint(sprint_of(), sprint_id="july", **BY)


@pytest.mark.parametrize(
    "fields",
    [
        {"end_date": date(2026, 5, 1)},
        {"status": "open"},
        {"status": "active"},
        {"status": "completed", "started_at": day(1)},
        {"started_at": day(1)},
    ],
)
def test_the_database_keeps_the_rules_too(fields: dict[str, Any]) -> None:
    sprint = sprint_of()
    with pytest.raises(IntegrityError), transaction.atomic():
        Sprint.objects.filter(pk=sprint.pk).update(**fields)
