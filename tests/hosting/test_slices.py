"""Slices: one chain for each process, whatever messages come."""

from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ
from redis.exceptions import RedisError

from missions import jobs
from missions.models import Claim, MissionHost, MissionProcess
from missions.services import claiming
from missions.services.executing import CannotRun
from missions.supervision import chores, drain, presence, slices
from tests.missions import world
from traceability import hints
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("own_chain")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 0.4)
    monkeypatch.setattr(slices, "ASK_BEFORE_END_S", 0.2)


def test_a_slice_works_and_asks_for_the_next_one(committed_db: str) -> None:
    mission = world.mission()
    assert jobs.beat() >= 1
    assert MissionProcess.objects.get(mission=mission).state == "running"
    assert [row.key for row in OrmQ.objects.all()] == [presence.HOSTS]
    assert MissionHost.objects.living_at(timezone.now()).get().machine == presence.machine()


def test_the_host_stays_from_one_slice_to_the_next(committed_db: str) -> None:
    world.mission()
    assert jobs.beat() >= 1
    assert jobs.beat(slices._own().ticket) >= 1
    assert MissionHost.objects.count() == 1


def test_any_number_of_wake_ups_leaves_one_chain_of_slices(committed_db: str) -> None:
    assert jobs.beat() >= 1
    OrmQ.objects.all().delete()
    assert [jobs.beat(), jobs.beat("of another process"), jobs.beat()] == [0, 0, 0]
    assert not OrmQ.objects.exists()
    first = slices._own().ticket
    assert jobs.beat(first) >= 1
    assert jobs.beat(first) == 0, "a message that comes twice"


def test_an_idle_process_begins_a_chain_of_its_own(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs.beat() >= 1
    monkeypatch.setattr(slices, "IDLE_AFTER_S", 0.0)
    assert jobs.beat("of another process") >= 1


def test_a_draining_process_gives_its_missions_back_and_asks_for_no_slice(committed_db: str) -> None:
    mission = world.mission()
    assert jobs.beat() >= 1
    OrmQ.objects.all().delete()
    drain.ask()
    assert jobs.beat(slices._own().ticket) == 0
    assert not OrmQ.objects.exists()
    assert MissionProcess.objects.get(mission=mission).owner is None


def test_a_host_begins_anew_when_its_connection_was_ended(committed_db: str) -> None:
    mission = world.mission()
    assert jobs.beat() >= 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert jobs.beat(slices._own().ticket) >= 1
    assert MissionProcess.objects.get(mission=mission).epoch == 2
    assert sorted(MissionHost.objects.values_list("state", flat=True)) == ["alive", "dead"]


def test_a_fault_that_nobody_foresaw_gives_the_missions_to_others(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.mission()
    assert jobs.beat() >= 1
    monkeypatch.setattr(chores, "TABLE", ((_fall, 0.0),))
    slices._own().host.chores = chores.Chores()
    with pytest.raises(KeyboardInterrupt):
        jobs.beat(slices._own().ticket)
    assert slices._own().host.tenure is None
    monkeypatch.setattr(chores, "TABLE", ())
    assert jobs.beat() >= 1, "the next message begins at once"


def _fall(*, now: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fault", [RedisError("away"), ValueError("odd"), CannotRun("not now")])
def test_a_chore_that_falls_does_not_take_the_host_with_it(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []

    def fall(*, now: object) -> None:
        raise fault

    monkeypatch.setattr(chores, "TABLE", ((fall, 0.0), (lambda *, now: done.append(now), 0.0)))
    chores.Chores().run(timezone.now())
    assert len(done) == 1


def test_a_chore_that_fails_does_not_hold_up_the_others(db: None) -> None:
    task = world.task()
    claiming.claim(task, world.agent(), ttl_s=1, actor=SYSTEM, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE missions_advisory RENAME TO gone")
    chores.Chores().run(timezone.now() + timedelta(seconds=2))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gone RENAME TO missions_advisory")
    assert not Claim.objects.exists()


def test_the_minute_job_stands_in_for_a_host(db: None) -> None:
    task = world.task()
    claiming.claim(task, world.agent(), ttl_s=60, actor=SYSTEM, now=timezone.now() - timedelta(minutes=2))
    assert jobs.expire() == 1
    assert not Claim.objects.exists()


def test_a_host_hears_a_commit_at_once(committed_db: str) -> None:
    with closing(hints.connect()) as heard:
        heard.execute(f"LISTEN {hints.CHANNEL}")
        world.mission()
        assert list(heard.notifies(timeout=5, stop_after=1))
