"""One host and its missions: what it takes, folds, keeps and gives back."""

import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from missions import jobs
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, MissionCheckpoint, MissionHost, MissionProcess, MissionStanding
from missions.replaying import reading
from missions.services import steering
from missions.standing import folding, packing
from missions.supervision import feed, loading
from missions.supervision.host import Host
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry, StreamHead

Make = Callable[..., Host]


def process_of(mission: Mission) -> MissionProcess:
    return MissionProcess.objects.get(mission=mission)


def states_told(mission: Mission) -> list[str]:
    rows = Entry.objects.of_kind("mission.process_changed").of_mission(mission.pk).order_by("id")
    return [row.data["state"] for row in rows]


def step(host: Host, turns: int = 1) -> None:
    """Turns in which everything is due."""
    for _ in range(turns):
        host.done_at.clear()
        host.turn()


def move(mission: Mission, after: MissionStatus) -> None:
    steering.move_mission(mission, after, expected=None, actor=SYSTEM, now=timezone.now())


def head_of(mission: Mission) -> int:
    return StreamHead.objects.values_list("seq", flat=True).get(stream=f"mission:{mission.pk}")


def counts_shown(mission: Mission) -> dict[str, int]:
    standing = MissionStanding.objects.get(mission=mission)
    assert standing.seq == head_of(mission)
    counts: dict[str, int] = standing.counts
    return counts


def test_a_wanted_process_runs_after_one_turn_and_follows_its_mission(new_host: Make) -> None:
    task, host = world.task(), new_host("one")
    step(host, 2)
    process = process_of(task.mission)
    assert (process.state, process.host, process.epoch) == ("running", "one", 1)
    assert process.summary["host"] == "one"
    assert states_told(task.mission) == ["starting", "running"]
    assert counts_shown(task.mission) == {"pending": 1}
    world.lead(task, TaskStatus.BLOCKED)
    step(host)
    assert counts_shown(task.mission) == {"blocked": 1}


@pytest.mark.parametrize("after", [MissionStatus.PAUSED, MissionStatus.COMPLETED, MissionStatus.CANCELLED])
def test_a_process_that_is_no_longer_wanted_is_let_go_with_its_last_state(after: MissionStatus, new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    world.task(mission)
    step(host)
    move(mission, after)
    step(host)
    process = process_of(mission)
    assert (process.state, process.owner, process.summary["host"]) == ("stopped", None, None)
    assert mission.pk not in host.holding.servers
    assert counts_shown(mission) == {"pending": 1}
    assert MissionCheckpoint.objects.get(mission=mission).seq == head_of(mission)


def test_a_mission_that_is_paused_and_started_between_two_turns_goes_on(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    move(mission, MissionStatus.PAUSED)
    move(mission, MissionStatus.ACTIVE)
    step(host, 2)
    assert process_of(mission).state == "running"
    assert mission.pk in host.holding.servers
    assert states_told(mission) == ["starting", "running", "stopped", "starting", "running"]


def test_a_drained_host_keeps_and_gives_back_everything_and_tells_nobody(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    host.drain()
    process = process_of(mission)
    assert (process.state, process.owner, process.host) == ("running", None, "")
    assert MissionHost.objects.get().state == "left"
    assert MissionCheckpoint.objects.get(mission=mission).seq == head_of(mission)
    assert states_told(mission) == ["starting", "running"]
    step(new_host("two"))
    assert (process_of(mission).host, process_of(mission).epoch) == ("two", 2)


def test_a_checkpoint_and_the_rest_of_the_stream_make_what_all_of_it_makes(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host)
    host.keeper.save(host.tenure, after_s=0.0)  # type: ignore[arg-type]
    world.lead(task, TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED)
    kept = MissionCheckpoint.objects.get(mission=task.mission)
    assert kept.seq < head_of(task.mission)
    loaded = loading.load([task.mission_id])[task.mission_id]
    whole = folding.fold(reading.entries(loaded.stream))
    assert packing.plain(loaded.standing) == packing.plain(whole)
    assert loaded.kept == kept.seq


@pytest.mark.parametrize("state", [b"", b"not compressed", zlib.compress(b'{"tasks": 7}')])
def test_a_checkpoint_that_cannot_be_read_is_folded_anew(state: bytes, new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host)
    host.drain()
    MissionCheckpoint.objects.update(state=state)
    step(host, 2)
    assert counts_shown(task.mission) == {"pending": 1}


def test_a_checkpoint_of_a_history_that_was_taken_back_is_folded_anew(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host)
    host.drain()
    MissionCheckpoint.objects.update(seq=10_000)
    MissionStanding.objects.update(seq=10_000)
    step(host, 2)
    assert counts_shown(task.mission) == {"pending": 1}


def test_a_burst_that_is_too_much_for_the_feed_is_folded_all_the_same(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    world.many_tasks(mission, feed.MOST + 10)
    step(host, 2)
    assert counts_shown(mission) == {"pending": feed.MOST + 10}


def test_what_was_lost_in_memory_is_found_by_comparing(new_host: Make) -> None:
    mission, other, host = world.mission(), world.mission(), new_host()
    step(host)
    host.holding.drop([mission.pk])
    MissionProcess.objects.filter(mission=other).update(owner=None)
    step(host)
    assert sorted(host.holding.servers) == [mission.pk, other.pk]


def test_hosts_that_ended_are_forgotten_after_a_day(new_host: Make) -> None:
    host = new_host()
    step(host)
    host.drain()
    assert jobs.tidy() == 0
    MissionHost.objects.update(ended_at=timezone.now() - timedelta(days=2))
    assert jobs.tidy() == 1
