"""Every move of the two tables is open by every face, every other move is shut, and the refusal names what is open."""

import itertools
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from missions.lifecycle import (
    BY_REVIEW_ONLY,
    MISSION_MOVES,
    TASK_MOVES,
    MissionStatus,
    TaskStatus,
    pairs,
    reported_moves,
)
from missions.models import Mission, Task
from tests.missions import world

pytestmark = pytest.mark.django_db

TASK_PAIRS = list(itertools.product(TaskStatus, TaskStatus))
MISSION_PAIRS = list(itertools.product(MissionStatus, MissionStatus))
STEPS = {
    MissionStatus.ACTIVE: "start",
    MissionStatus.PAUSED: "pause",
    MissionStatus.COMPLETED: "complete",
    MissionStatus.CANCELLED: "cancel",
}


def named(pair: Any) -> str:
    return "-".join(map(str, pair)) if isinstance(pair, tuple) else str(pair)


def report(client: APIClient, row: Task, status: str) -> Any:
    return client.post(f"/api/tasks/{row.key}/report", {"progress": {"status": status}}, format="json")


def patch(client: APIClient, row: Task, status: str) -> Any:
    return client.patch(f"/api/tasks/{row.key}", {"task": {"status": status}}, format="json")


@pytest.mark.parametrize("face", [report, patch])
@pytest.mark.parametrize(("before", "after"), TASK_PAIRS, ids=named)
def test_a_task_moves_along_the_table_and_no_other_way(
    operator: APIClient, face: Any, before: TaskStatus, after: TaskStatus
) -> None:
    row = world.task(status=before)
    answer = face(operator, row, after)
    row.refresh_from_db()
    if after == before:
        assert (answer.status_code, row.status) == (200, before)
    elif after in reported_moves(before, review_required=False):
        assert (answer.status_code, answer.json()["status"], row.status) == (200, after, after)
    else:
        assert (answer.status_code, row.status) == (422, before)
        assert answer["Content-Type"] == "application/problem+json"
        detail = answer.json()["detail"]
        named_moves = "approve or reject" if (before, after) in BY_REVIEW_ONLY else "No move is open"
        for move in reported_moves(before, review_required=False) or [named_moves]:
            assert move in detail or named_moves in detail


@pytest.mark.parametrize("status", [each for each in TaskStatus if each != TaskStatus.PENDING_REVIEW])
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_only_work_in_review_is_reviewed(operator: APIClient, status: TaskStatus, verb: str) -> None:
    row = world.task(status=status)
    assert operator.post(f"/api/tasks/{row.key}/{verb}", {}, format="json").status_code == 422
    row.refresh_from_db()
    assert row.status == status


@pytest.mark.parametrize(("before", "after"), MISSION_PAIRS, ids=named)
def test_a_mission_moves_along_the_table_and_no_other_way(
    operator: APIClient, before: MissionStatus, after: MissionStatus
) -> None:
    row = world.mission(status=before)
    answers = [operator.patch(f"/api/missions/{row.key}", {"status": after}, format="json")]
    other = world.mission(status=before)
    if after in STEPS:
        answers.append(operator.post(f"/api/missions/{other.key}/{STEPS[after]}", {}, format="json"))
    is_open = after in MISSION_MOVES[before]
    for answer in answers[after == before :]:
        assert answer.status_code == (200 if is_open else 422)
        if not is_open:
            assert all(move in answer.json()["detail"] for move in MISSION_MOVES[before])
    row.refresh_from_db()
    assert row.status == (after if is_open else before)


@pytest.mark.parametrize(("before", "after"), [pair for pair in TASK_PAIRS if pair[0] != pair[1]], ids=named)
def test_the_database_keeps_the_tasks_table(before: TaskStatus, after: TaskStatus) -> None:
    row = world.task(status=before)
    with transaction.atomic():
        if after in TASK_MOVES[before]:
            Task.objects.filter(pk=row.pk).update(status=after)
        else:
            with pytest.raises(IntegrityError, match="cannot become"):
                Task.objects.filter(pk=row.pk).update(status=after)
        transaction.set_rollback(True)


@pytest.mark.parametrize(("before", "after"), [pair for pair in MISSION_PAIRS if pair[0] != pair[1]], ids=named)
def test_the_database_keeps_the_missions_table(before: MissionStatus, after: MissionStatus) -> None:
    row = world.mission(status=before)
    with transaction.atomic(), connection.cursor() as cursor:
        statement = "UPDATE missions_mission SET status = %s WHERE id = %s"
        if after in MISSION_MOVES[before]:
            cursor.execute(statement, [after, row.pk])
        else:
            with pytest.raises(IntegrityError, match="cannot become"):
                cursor.execute(statement, [after, row.pk])
        transaction.set_rollback(True)


@pytest.mark.parametrize(("noun", "moves"), [("mission", MISSION_MOVES), ("task", TASK_MOVES)])
def test_the_databases_guard_is_the_table_of_the_code(noun: str, moves: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [f"missions_{noun}_moves"])
        source = " ".join(cursor.fetchone()[0].split())
    for before, after in itertools.product(moves, moves):
        assert (f"('{before}', '{after}')" in source) == ((before, after) in pairs(moves))


@pytest.mark.parametrize("status", [each for each in TaskStatus if each != TaskStatus.PENDING])
def test_a_new_task_is_pending_in_the_database_too(status: TaskStatus) -> None:
    row = world.task()
    row.pk, row.task_id, row.status = None, "other", status
    with pytest.raises(IntegrityError, match="a new task is pending"), transaction.atomic():
        row.save(force_insert=True)


def test_an_unfinished_review_keeps_a_task_from_its_end(operator: APIClient) -> None:
    for row in (
        world.task(status=TaskStatus.IN_PROGRESS, review_required=True),
        world.task(world.mission(review_required=True), TaskStatus.IN_PROGRESS),
    ):
        answer = report(operator, row, "completed")
        assert answer.status_code == 422
        assert "pending_review" in answer.json()["detail"]
        assert report(operator, row, "pending_review").status_code == 200
        assert operator.post(f"/api/tasks/{row.key}/approve", {}, format="json").json()["status"] == "completed"


def test_a_task_may_do_without_the_review_of_its_mission(operator: APIClient) -> None:
    row = world.task(world.mission(review_required=True), TaskStatus.IN_PROGRESS, review_required=False)
    assert report(operator, row, "completed").status_code == 200


def test_a_mission_that_has_ended_takes_no_more_tasks(operator: APIClient) -> None:
    for status in (MissionStatus.COMPLETED, MissionStatus.CANCELLED):
        owner = world.mission(status)
        answer = operator.post(f"/api/missions/{owner.key}/tasks", {"objective": "late"}, format="json")
        assert answer.status_code == 409
        assert not Task.objects.filter(mission=owner).exists()


def test_a_mission_starts_and_stops_its_process(operator: APIClient) -> None:
    row = world.mission(MissionStatus.PLANNING)
    for step, state in (("start", "starting"), ("pause", "stopped"), ("start", "starting"), ("cancel", "stopped")):
        answer = operator.post(f"/api/missions/{row.key}/{step}", {}, format="json")
        assert answer.json()["process"]["state"] == state
    assert Mission.objects.get(pk=row.pk).ended_at is not None
