"""The same turn by turn in this process: a lease that is over is enough, whatever the certificate says."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Advisory, Mission, MissionCheckpoint, MissionHost, MissionProcess, MissionStanding
from missions.services import hosting
from missions.supervision.host import Host
from missions.supervision.tenure import Tenure
from tests.missions import world
from traceability.models import Entry, StreamHead

Pair = tuple[Host, Host]


@pytest.fixture
def pair(committed_db: str) -> Iterator[Pair]:
    made = Host("one"), Host("two")
    yield made
    for each in made:
        each.lose()


def step(host: Host, turns: int = 1) -> None:
    """Turns in which everything is due."""
    for _ in range(turns):
        host.done_at.clear()
        host.turn()


def frozen(host: Host) -> Tenure:
    """As if it had stood still for longer than its lease, its connection open."""
    assert host.tenure is not None
    assert not host.tenure.held.closed
    MissionHost.objects.filter(pk=host.tenure.owner.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    return host.tenure


def stored(mission: Mission) -> list[object]:
    """All that hosts write of a mission."""
    models = (MissionProcess, MissionStanding, MissionCheckpoint, Advisory)
    rows = [list(model.objects.filter(mission=mission).values()) for model in models]
    return [*rows, StreamHead.objects.get(stream=f"mission:{mission.pk}").seq]


def test_the_fenced_host_changes_nothing_whatever_it_believes(pair: Pair) -> None:
    first, second = pair
    task = world.task()
    step(first, 2)
    fenced = frozen(first)
    step(second, 2)
    world.lead(task, TaskStatus.BLOCKED)
    step(second)
    before = stored(task.mission)

    standing = first.holding.servers[task.mission_id].standing
    standing.deadline = 1.0
    first.holding.servers[task.mission_id].seq += 1000
    for _ in range(2):
        first.holding.note(task.mission_id, 0.0)
        first.done_at.clear()
        first.consider(fenced)
    first.keeper.save(fenced, after_s=0.0)
    first.keeper.show(fenced)
    first._doubt()
    hosting.release(fenced.owner, [task.mission_id])
    assert hosting.crash(fenced.owner, task.mission_id, "wrong", now=timezone.now()) is None
    assert stored(task.mission) == before
    assert task.mission_id not in first.holding.servers


def test_the_fenced_host_starts_nothing_and_takes_nothing(pair: Pair) -> None:
    first, second = pair
    free = world.mission()
    step(first)
    fenced = frozen(first)
    step(second)
    fresh = world.mission()
    MissionProcess.objects.filter(mission=free).update(owner=None)
    assert hosting.begin(fenced.owner, now=timezone.now(), most=10) == {}
    assert hosting.claim(fenced.owner, most=10) == []
    step(second)
    assert set(MissionProcess.objects.values_list("mission_id", "host")) == {(fresh.pk, "two"), (free.pk, "two")}


def test_who_declares_a_host_dead_cuts_it_off_and_leads_in_its_place(pair: Pair) -> None:
    first, second = pair
    step(first)
    assert first.tenure is not None
    assert first.tenure.leads
    fenced = frozen(first)
    step(second, 2)
    assert second.tenure is not None
    assert second.tenure.leads
    with pytest.raises(psycopg.OperationalError):
        fenced.held.execute("SELECT 1")
    step(first)
    assert first.tenure is None


def test_it_is_told_only_once_that_a_mission_runs(pair: Pair) -> None:
    first, second = pair
    mission = world.mission()
    for _ in range(3):
        step(first)
        frozen(first)
        step(second, 2)
        frozen(second)
        step(first, 3)
    told = Entry.objects.of_kind("mission.process_changed").of_mission(mission.pk).order_by("id")
    assert [row.data["state"] for row in told] == ["starting", "running"]
    assert MissionProcess.objects.get(mission=mission).epoch > 3
