"""Figures say what they count, and are those of the app that counts them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from coordinator import schedules
from coordinator.dashboard import operations, overview, planning, sprints
from coordinator.dashboard.lens import Lens
from missions.supervision import presence
from sprints import progress
from tests.browser import world
from tests.browser.world import World
from traceability import coverage

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> World:
    return world.build(timezone.now())


def tile(label: str) -> Mapping[str, Any]:
    found = overview.tiles(Lens("", ()), timezone.now())["tiles"]
    return next(each for each in found if each["label"] == label)


def test_a_held_action_waits_for_a_person_like_a_question_does(company: World) -> None:
    waiting = tile("Waiting for a person")
    assert (waiting["value"], waiting["note"], waiting["tone"]) == (2, "1 question, 1 held action", "waiting")


def test_with_nothing_asked_nothing_waits() -> None:
    waiting = tile("Waiting for a person")
    assert (waiting["value"], waiting["note"], waiting["tone"]) == (0, "0 questions, 0 held actions", "")


def test_a_sprints_page_shows_what_its_burn_down_counts(company: World) -> None:
    assert company.sprint is not None
    now = company.now + timedelta(minutes=1)
    told, shown = progress.burn_down(company.sprint, now), sprints.burndown(company.sprint, now)
    assert (shown["committed"], shown["latest"]) == (told.committed, told.latest)
    assert shown["added"] == told.latest.scope - told.committed.scope
    assert f"{told.latest.remaining} open" in shown["burndown"]


def test_the_tree_shows_what_coverage_counts(company: World) -> None:
    covered = coverage.tree()
    cells = [
        cell for goal in planning.tree(covered, False)["goals"] for each in goal["results"] for cell in each["cells"]
    ]
    gaps = [cell["key"] for cell in cells if not cell["total"]]
    assert gaps == covered["requirements_without_tasks"]
    numbers = {label: value for label, value, _ in planning.numbers(covered)["numbers"]}
    assert numbers["Task coverage"] == f"{covered['stats']['task_coverage']:g} %"
    only = planning.tree(covered, True)["goals"]
    assert [cell["key"] for goal in only for each in goal["results"] for cell in each["cells"]] == gaps


def test_a_regular_job_is_told_by_its_reason_with_its_path_below() -> None:
    schedules.ensure(timezone.now())
    found = {each["path"]: each["why"] for each in operations.regular()["regular"]}
    assert found["policies.jobs.expire_approvals"] == "An approval past its deadline is rejected"
    assert len(found) == len(schedules.TABLE)


def test_a_queue_says_whether_workers_were_seen_at_it() -> None:
    now = timezone.now()
    presence.beat(presence.HEALTH, now=now)
    found = {each["name"]: (each["word"], each["seen"]) for each in operations.queues(now)["queues"]}
    assert found[presence.HEALTH] == ("At work", now)
    assert found[settings.Q_CLUSTER["name"]] == ("Not seen", None)
    assert {each["word"] for each in operations.queues(now + timedelta(minutes=1))["queues"]} == {"Not seen"}
