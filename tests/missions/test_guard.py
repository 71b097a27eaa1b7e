"""The database's own guard: no status changes without its entry in the same transaction, whoever writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from missions.events import TaskMoved
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from tests.factories import person
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM

Change = Callable[[Task], Any]


def by_query(row: Task) -> None:
    Task.objects.filter(pk=row.pk).update(status=TaskStatus.IN_PROGRESS)


def by_save(row: Task) -> None:
    row.status = TaskStatus.IN_PROGRESS
    row.save()


def by_bulk(row: Task) -> None:
    row.status = TaskStatus.IN_PROGRESS
    Task.objects.bulk_update([row], ["status"])


def by_sql(row: Task) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE missions_task SET status = 'in_progress' WHERE id = %s", [row.pk])


def move_and_tell_another(row: Task) -> None:
    told = TaskMoved(mission=row.mission.ref, task=row.ref, before="pending", after="blocked")
    with ledger.writing():
        by_query(row)
        ledger.record(told, actor=SYSTEM, at=timezone.now())


def move_and_fail(row: Task) -> None:
    with ledger.writing():
        world.lead(row, TaskStatus.IN_PROGRESS)
        raise ZeroDivisionError


@pytest.mark.parametrize("change", [by_query, by_save, by_bulk, by_sql])
def test_a_task_does_not_move_without_its_entry(committed_db: str, django_db_blocker: Any, change: Change) -> None:
    with django_db_blocker.unblock():
        row = world.task()
        with pytest.raises(IntegrityError, match="without an entry in the ledger"), transaction.atomic():
            change(row)
        assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def test_a_mission_does_not_move_without_its_entry(committed_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        row = world.mission()
        with pytest.raises(IntegrityError, match="without an entry in the ledger"), transaction.atomic():
            Mission.objects.filter(pk=row.pk).update(status=MissionStatus.PAUSED)
        assert Mission.objects.get(pk=row.pk).status == MissionStatus.ACTIVE


def test_no_task_is_made_without_its_entry(committed_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        row = world.task()
        row.pk, row.task_id = None, "untold"
        with pytest.raises(IntegrityError, match="without an entry in the ledger"), transaction.atomic():
            row.save(force_insert=True)


def test_an_entry_about_another_move_does_not_count(committed_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        row = world.task()
        with pytest.raises(IntegrityError, match="without an entry"):
            move_and_tell_another(row)
        assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def test_an_entry_of_an_earlier_transaction_does_not_count(committed_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        row = world.task()
        world.lead(row, TaskStatus.IN_PROGRESS, TaskStatus.PENDING)
        with pytest.raises(IntegrityError, match="without an entry"), transaction.atomic():
            by_query(row)


def test_a_move_in_a_savepoint_that_was_rolled_back_leaves_nothing(committed_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        row = world.task()
        with transaction.atomic(), pytest.raises(ZeroDivisionError):
            move_and_fail(row)
        assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


@pytest.mark.django_db
def test_the_admins_form_cannot_move_a_task(client: Client) -> None:
    client.force_login(person("admin"))
    row = world.task()
    world.submit(client, f"/admin/missions/task/{row.pk}/change/", objective="Other", status="completed")
    row.refresh_from_db()
    assert (row.objective, row.status) == ("Other", TaskStatus.PENDING)


@pytest.mark.django_db
def test_the_admin_refuses_an_impossible_move(client: Client) -> None:
    client.force_login(person("admin"))
    row = world.mission(MissionStatus.PLANNING)
    chosen = {"action": "complete", "_selected_action": [row.pk]}
    page = client.post("/admin/missions/mission/", chosen, follow=True).content.decode()
    assert "cannot become completed" in page
    assert "active, cancelled" in page
    row.refresh_from_db()
    assert row.status == MissionStatus.PLANNING


@pytest.mark.parametrize("table", ["missions_report", "missions_review"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET at = now()", "TRUNCATE {} CASCADE"])
@pytest.mark.django_db
def test_what_was_reported_and_reviewed_stays(table: str, change: str) -> None:
    row = world.task(status=TaskStatus.REJECTED)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(change.format(table))
        cursor.execute(f"SELECT count(*) FROM {table} WHERE task_id = %s", [row.pk])
        assert cursor.fetchone()[0] > 0
