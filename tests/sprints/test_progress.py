"""Burn-down and velocity say what the ledger says: day by day, and of what was in the sprint then."""

from collections.abc import Callable
from typing import Any

import pytest

from missions.events import TaskCreated, TaskMoved, TaskRevised
from missions.lifecycle import TaskStatus
from missions.models import Task
from missions.services import planning
from sprints import progress
from sprints.models import Sprint
from sprints.services import opening
from tests.sprints.conftest import day, done, moved, sprint_of
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
MakeTask = Callable[..., Task]


def started(first: int = 1, last: int = 5, at: int = 1) -> Sprint:
    return opening.start_sprint(sprint_of(first, last), expected=None, actor=SYSTEM, now=day(at, 1))


def completed(sprint: Sprint, at: int) -> Sprint:
    return opening.complete_sprint(sprint, expected=None, actor=SYSTEM, now=day(at, 20))


def revised(task: Task, at: int, **fields: Any) -> None:
    planning.revise_task(task, expected=None, actor=SYSTEM, now=day(at), **fields)


def curve(sprint: Sprint, at: int) -> list[tuple[int, int] | None]:
    days = progress.burn_down(sprint, day(at, 23)).days
    return [(each.count.scope, each.count.completed) if each.count else None for each in days]


def test_the_words_of_the_room_above_are_pinned() -> None:
    told = (TaskCreated.kind, TaskRevised.kind, TaskMoved.kind, TaskStatus.COMPLETED)
    assert told == (progress.BIRTH, progress.REVISION, progress.MOVE, progress.DONE)


def test_each_day_counts_what_was_in_and_what_was_done(task_in: MakeTask) -> None:
    sprint = sprint_of()
    first, second = (task_in(sprint, day(1, 0)) for _ in range(2))
    sprint = opening.start_sprint(sprint, expected=None, actor=SYSTEM, now=day(1, 1))
    done(first, day(2))
    task_in(sprint, day(3))
    done(second, day(4))
    assert curve(sprint, 4) == [(2, 0), (2, 1), (3, 1), (3, 2), None]
    found = progress.burn_down(sprint, day(4, 23))
    assert (found.committed.scope, found.latest.remaining) == (2, 1)
    assert [each.ideal for each in found.days] == [1.6, 1.2, 0.8, 0.4, 0.0]


def test_a_task_that_moved_on_still_counts_on_the_days_that_it_was_in(task_in: MakeTask) -> None:
    sprint, other = started(), started()
    task = task_in(sprint, day(1, 2))
    revised(task, 3, sprint=other)
    assert curve(sprint, 4) == [(1, 0), (1, 0), (0, 0), (0, 0), None]
    assert curve(other, 4) == [(0, 0), (0, 0), (1, 0), (1, 0), None]
    revised(task, 4, sprint=None)
    assert curve(other, 4)[3] == (0, 0)


def test_a_task_that_fails_and_starts_over_is_not_done(task_in: MakeTask) -> None:
    sprint = started()
    task = task_in(sprint, day(1, 2))
    moved(task, TaskStatus.FAILED, at=day(2))
    moved(task, TaskStatus.PENDING, at=day(3))
    assert curve(sprint, 3)[:3] == [(1, 0)] * 3
    done(task, day(4))
    assert curve(sprint, 5) == [(1, 0), (1, 0), (1, 0), (1, 1), (1, 1)]


def test_words_of_a_task_that_look_like_a_sprint_do_not_put_it_there(task_in: MakeTask) -> None:
    sprint = started()
    task = task_in(None, day(1, 2))
    revised(task, 2, outputs={"sprint": {"id": sprint.pk, "key": sprint.key}})
    assert curve(sprint, 3)[:3] == [(0, 0)] * 3


def test_after_the_close_nothing_changes_any_more(task_in: MakeTask) -> None:
    sprint = started()
    task, late = task_in(sprint, day(1, 2)), task_in(sprint, day(1, 2))
    done(task, day(2))
    sprint = completed(sprint, 3)
    done(late, day(4))
    revised(late, 5, sprint=None)
    assert curve(sprint, 9) == [(2, 0), (2, 1), (2, 1), None, None]
    assert progress.burn_down(sprint, day(9)).latest == progress.Count(2, 1)


def test_a_sprint_with_no_task_burns_nothing_down() -> None:
    found = progress.burn_down(started(), day(2))
    assert found.latest == progress.Count(0, 0)
    assert {each.ideal for each in found.days} == {0.0}


def test_velocity_is_the_mean_of_the_last_completed_sprints(task_in: MakeTask) -> None:
    assert progress.velocity([]).average is None
    closed: list[Sprint] = []
    for wanted in (5, 1, 2, 3):
        sprint = started()
        for _ in range(wanted):
            done(task_in(sprint, day(2)), day(3))
        task_in(sprint, day(2))
        closed.append(completed(sprint, 4 + len(closed)))
    found = progress.velocity(Sprint.objects.latest_completed(12))
    assert [pace.completed for pace in found.paces] == [5, 1, 2, 3]
    assert [pace.scope for pace in found.paces] == [6, 2, 3, 4]
    assert [pace.committed for pace in found.paces] == [0] * 4
    assert found.average == 2.0


def test_the_figures_cost_three_statements_however_many_tasks(
    task_in: MakeTask, django_assert_num_queries: Any
) -> None:
    sprint = started()
    for _ in range(5):
        done(task_in(sprint, day(1, 3)), day(2))
    with django_assert_num_queries(3):
        progress.burn_down(sprint, day(4))
    closed = [completed(sprint, 5)]
    with django_assert_num_queries(3):
        progress.velocity(closed)
