"""The host's slices and turns, the mission processes as rows, and who was seen at work."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from missions import jobs, restarts
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Claim, Mission, MissionProcess, WorkerHost
from missions.services import claiming, hosting, steering
from missions.supervision import drain, host, presence
from tests.missions import world
from traceability import hints
from traceability.events import SYSTEM
from traceability.models import Entry

ELSEWHERE = "another-machine"


@pytest.fixture(autouse=True)
def fresh_host() -> Iterator[None]:
    """Nothing of an earlier test is warm."""
    host.SERVERS.clear()
    host._at_work.clear()
    presence._last.clear()
    yield
    drain.clear()


def process_of(mission: Mission) -> MissionProcess:
    return MissionProcess.objects.get(mission=mission)


def turn(**later: float) -> None:
    host.turn(now=timezone.now() + timedelta(**later), advice=True)


def states_told(mission: Mission) -> list[str]:
    rows = Entry.objects.of_kind("mission.process_changed").of_mission(mission.pk).order_by("id")
    return [row.data["state"] for row in rows]


def test_a_wanted_process_runs_after_one_turn_and_knows_its_mission(db: None) -> None:
    task = world.task(status=TaskStatus.BLOCKED)
    turn()
    process = process_of(task.mission)
    assert (process.state, process.host) == ("running", presence.machine())
    assert host.SERVERS[task.mission_id].state.tasks[task.pk]["status"] == "blocked"
    assert states_told(task.mission) == ["starting", "running"]
    world.lead(task, TaskStatus.PENDING)
    turn()
    assert host.SERVERS[task.mission_id].state.tasks[task.pk]["status"] == "pending"


@pytest.mark.parametrize("after", [MissionStatus.PAUSED, MissionStatus.COMPLETED, MissionStatus.CANCELLED])
def test_a_process_that_is_no_longer_wanted_is_let_go(after: MissionStatus, db: None) -> None:
    mission = world.mission()
    turn()
    steering.move_mission(mission, after, expected=None, actor=SYSTEM, now=timezone.now())
    turn()
    assert process_of(mission).state == "stopped"
    assert mission.pk not in host.SERVERS


def test_a_process_of_a_silent_host_is_taken_over_and_counted(db: None) -> None:
    mission = world.mission()
    hosting.take_wanted(host=ELSEWHERE, now=timezone.now())
    turn()
    assert process_of(mission).host == ELSEWHERE
    turn(seconds=hosting.SILENT_AFTER.total_seconds() + 1)
    process = process_of(mission)
    assert (process.host, process.restarts) == (presence.machine(), 1)


def test_one_mission_that_cannot_be_folded_crashes_alone_and_is_tried_again_after_a_pause(db: None) -> None:
    task, whole = world.task(), world.mission()
    broken = task.mission
    turn()
    host.SERVERS[broken.pk].state.tasks.clear()
    world.lead(task, TaskStatus.BLOCKED)
    world.task(whole)
    turn()
    process = process_of(broken)
    assert (process.state, process.restarts) == ("crashed", 1)
    assert "does not fit" in process.last_error
    assert process_of(whole).state == "running"
    assert len(host.SERVERS[whole.pk].state.tasks) == 1
    turn()
    assert process_of(broken).state == "crashed", "it pauses first"
    turn(seconds=restarts.FIRST_PAUSE_S + 1)
    assert process_of(broken).state == "running"
    assert len(host.SERVERS[broken.pk].state.tasks) == 1


def test_a_turn_ends_lapsed_claims_and_opens_advisories(db: None) -> None:
    task = world.task(due_at=timezone.now() - timedelta(hours=1))
    claiming.claim(task, world.agent(), ttl_s=1, actor=SYSTEM, now=timezone.now())
    turn(seconds=2)
    assert not Claim.objects.exists()
    assert [each.kind for each in Advisory.objects.all()] == ["overdue"]


def test_a_chore_that_fails_does_not_hold_up_the_others(db: None) -> None:
    task = world.task()
    claiming.claim(task, world.agent(), ttl_s=1, actor=SYSTEM, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE missions_advisory RENAME TO gone")
    turn(seconds=2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gone RENAME TO missions_advisory")
    assert not Claim.objects.exists()


def test_one_host_works_and_another_stands_by(committed_db: str) -> None:
    with host.alone() as mine:
        assert mine is not None
        with host.alone() as other:
            assert other is None
    with host.alone() as free:
        assert free is not None


def test_a_slice_works_and_asks_for_the_next_one(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SLICE_S", 0.3)
    mission = world.mission()
    OrmQ.objects.all().delete()
    assert jobs.beat() >= 1
    assert process_of(mission).state == "running"
    assert [row.key for row in OrmQ.objects.all()] == [presence.HOSTS]
    assert WorkerHost.objects.get().queue == presence.HOSTS


def test_any_number_of_wake_ups_leaves_one_chain_of_slices(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SLICE_S", 0.2)
    asked = timezone.now().isoformat()
    assert jobs.beat(asked) >= 1
    OrmQ.objects.all().delete()
    assert [jobs.beat(asked), jobs.beat(), jobs.beat(asked)] == [0, 0, 0]
    assert not OrmQ.objects.exists()
    assert jobs.beat(timezone.now().isoformat()) >= 1


def test_a_draining_slice_gives_its_missions_back_and_asks_for_no_other(committed_db: str) -> None:
    mission = world.mission()
    turn()
    OrmQ.objects.all().delete()
    with host.alone() as held:
        assert held is not None
        drain.ask()
        assert host._turns(held, float("inf")) == 0
    assert process_of(mission).state == "starting"
    assert jobs.beat() == 0
    assert not OrmQ.objects.exists()


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
