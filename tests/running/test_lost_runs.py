"""Runs that lose their worker, their lease, their message or the database."""

import subprocess
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from missions.models import Execution
from missions.services import beginning, executing, running, waking
from missions.services.running import Ended
from missions.supervision import executor
from missions.supervision.certificate import Certificate
from tests.running.agents_at_hand import FakeClaude, until
from tests.running.runs import Hanging, fresh, queued, told
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


def test_a_run_whose_worker_died_is_ended_once_and_its_processes_with_it() -> None:
    execution = queued()
    begun = beginning.begin(execution.pk, host="elsewhere", now=timezone.now())
    assert begun is not None
    marked = {"COORDINATOR_EXECUTION": executor.marker_of(begun)}
    orphan = subprocess.Popen(["sleep", "600"], env=marked)
    later = timezone.now() + running.QUIET_AFTER
    assert executor.bury(now=timezone.now()) == 0
    assert executor.bury(now=later) == 1
    assert orphan.wait(5) == -9
    assert executor.bury(now=later) == 0
    assert running.finish(begun, Ended(state=Execution.State.SUCCEEDED), now=later) is None
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("failed", "crashed", "pending")
    assert told(execution) == ["execution.queued", "execution.started", "execution.ended failed"]


def test_a_run_whose_worker_lives_is_left_alone_until_its_lease_is_over() -> None:
    execution = queued()
    begun = beginning.begin(execution.pk, host="here", now=timezone.now())
    assert begun is not None
    with closing(Certificate(running.certificate_of(begun))) as certificate:
        assert certificate.held()
        assert executor.bury(now=timezone.now() + running.LEASE - timedelta(seconds=1)) == 0
        assert executor.bury(now=timezone.now() + running.LEASE + timedelta(seconds=1)) == 1


def test_a_run_that_lost_its_fence_stops(hanging: Hanging) -> None:
    execution, future = hanging
    Execution.objects.filter(pk=execution.pk).update(fence=9)
    assert until(lambda: future.done() and [future.result()], within_s=5) == [None]
    Execution.objects.filter(pk=execution.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert executor.bury(now=timezone.now()) == 1


def test_a_run_outlives_a_database_that_was_away_for_a_moment(hanging: Hanging, claude: FakeClaude) -> None:
    execution, future = hanging
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    before = fresh(execution).lease_until
    assert before is not None
    until(lambda: (fresh(execution).lease_until or before) > before)
    assert not future.done()
    assert executor.bury(now=timezone.now() + running.QUIET_AFTER) == 0
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())


def test_a_forgotten_execution_is_asked_for_again() -> None:
    execution = queued()
    OrmQ.objects.all().delete()
    assert waking.wake_waiting(now=timezone.now()) == 0
    assert waking.wake_waiting(now=timezone.now() + waking.LOST_MESSAGE_AFTER * 2) == 1
    assert [row.key for row in OrmQ.objects.all()] == ["exec"]
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
