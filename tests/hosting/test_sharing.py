"""Several hosts: a fair share each, one owner for each mission, and nothing written by who is no longer the owner."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Advisory, MissionCheckpoint, MissionHost, MissionProcess, MissionStanding
from missions.services import hosting, hosts, keeping
from missions.services.keeping import Saved, Shown
from missions.supervision.host import Host
from tests.hosting.test_host import Make, counts_shown, process_of, states_told, step
from tests.missions import world
from tests.running.agents_at_hand import until


def owners() -> dict[int, int | None]:
    return dict(MissionProcess.objects.values_list("mission_id", "owner_id"))


def die(host: Host) -> None:
    """As if the host's process had died, and the database had seen that."""
    assert host.tenure is not None
    backend = host.tenure.held.info.backend_pid
    host.tenure.held.close()
    until(partial(_is_gone, backend))


def _is_gone(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [backend])
        return bool(cursor.fetchone() == (0,))


def outlive(host: Host) -> None:
    """As if the host had been frozen for longer than its lease."""
    assert host.tenure is not None
    MissionHost.objects.filter(pk=host.tenure.owner.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_second_host_gets_its_share_and_the_first_one_keeps_the_rest(new_host: Make) -> None:
    missions = [world.mission().pk for _ in range(10)]
    one, two = new_host("one"), new_host("two")
    step(one, 2)
    assert len(one.holding.servers) == 10
    for _ in range(2):
        step(two)
        step(one)
    step(two)
    assert (len(one.holding.servers), len(two.holding.servers)) == (5, 5)
    assert sorted([*one.holding.servers, *two.holding.servers]) == sorted(missions)
    assert MissionProcess.objects.filter(state="running").exclude(owner=None).count() == 10


def test_a_host_whose_connection_died_is_followed_at_once(new_host: Make) -> None:
    task, one, two = world.task(), new_host("one"), new_host("two")
    step(one)
    die(one)
    step(two, 2)
    process = process_of(task.mission)
    assert (process.host, process.epoch, process.restarts) == ("two", 2, 0)
    assert MissionHost.objects.get(machine="one").state == "dead"
    assert counts_shown(task.mission) == {"pending": 1}
    assert states_told(task.mission) == ["starting", "running"], "where it runs is no history"


def test_a_living_host_is_not_declared_dead(new_host: Make) -> None:
    world.mission()
    one, two = new_host("one"), new_host("two")
    step(one)
    step(two)
    assert hosts.bury_dead() == hosts.Dead([], 0)
    assert hosting.rescue() == {"hosts": [], "missions": 0}


def test_a_host_that_outlived_its_lease_writes_nothing_and_begins_anew(new_host: Make) -> None:
    task, one, two = world.task(), new_host("one"), new_host("two")
    step(one, 2)
    fenced = one.tenure
    assert fenced is not None
    outlive(one)
    step(two, 2)
    assert process_of(task.mission).host == "two"
    before = MissionStanding.objects.get(mission=task.mission)
    mission_id, now = task.mission_id, timezone.now()
    assert keeping.show(fenced.owner.id, [Shown(mission_id, 10_000, {"failed": 1}, {})]) == set()
    assert keeping.save(fenced.owner.id, [Saved(mission_id, 10_000, b"wrong")], schema=1) == set()
    assert hosting.crash(fenced.owner, mission_id, "wrong", now=now) is None
    assert hosting.claim(fenced.owner, most=10) == []
    other = world.mission()
    assert hosting.begin(fenced.owner, now=now, most=10) == {}
    assert process_of(other).state == "starting"
    assert MissionStanding.objects.get(mission=task.mission).seq == before.seq
    assert not MissionCheckpoint.objects.filter(seq=10_000).exists()
    step(one)
    assert one.tenure is None, "it was told that it is dead"
    step(one)
    assert one.tenure is not None
    assert one.tenure.owner.id > fenced.owner.id


def test_a_thawed_host_cannot_show_what_it_folded(new_host: Make) -> None:
    task, one, two = world.task(), new_host("one"), new_host("two")
    step(one, 2)
    outlive(one)
    world.lead(task, TaskStatus.BLOCKED)
    assert one.tenure is not None
    one.tail(one.tenure)
    step(two, 2)
    shown = MissionStanding.objects.get(mission=task.mission)
    one.keeper.show(one.tenure)
    one._doubt()
    assert task.mission_id not in one.holding.servers, "a write that hit nothing makes it forget"
    assert MissionStanding.objects.get(mission=task.mission).at == shown.at
    assert counts_shown(task.mission) == {"blocked": 1}


def test_what_is_older_than_what_is_kept_does_not_replace_it(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host, 2)
    assert host.tenure is not None
    seq = MissionStanding.objects.get(mission=task.mission).seq
    assert keeping.show(host.tenure.owner.id, [Shown(task.mission_id, seq - 1, {}, {})]) == set()
    assert counts_shown(task.mission) == {"pending": 1}


def test_one_host_does_the_chores_of_all_and_another_follows_it(new_host: Make) -> None:
    one, two = new_host("one"), new_host("two")
    step(one)
    step(two)
    assert one.tenure is not None
    assert two.tenure is not None
    assert (one.tenure.leads, two.tenure.leads) == (True, False)
    die(one)
    step(two)
    assert two.tenure.leads


def test_a_dead_host_is_rescued_by_hand(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    assert host.tenure is not None
    dead = host.tenure.owner.id
    die(host)
    assert hosting.rescue() == {"hosts": [dead], "missions": 1}
    assert owners() == {mission.pk: None}


@pytest.mark.parametrize("hosts_at_work", [1, 3])
def test_every_mission_has_one_owner_and_one_advice_whoever_dies(hosts_at_work: int, new_host: Make) -> None:
    missions = [world.mission(deadline=timezone.now() - timedelta(hours=1)) for _ in range(6)]
    working = [new_host(f"m{number}") for number in range(hosts_at_work)]
    for number in range(6):
        for host in working:
            step(host)
        victim = working[number % hosts_at_work]
        if number % 2:
            outlive(victim)
        elif victim.tenure:
            die(victim)
            victim.lose()
    for _ in range(4):
        for host in working:
            step(host)
    held = [pk for host in working for pk in host.holding.servers]
    assert sorted(held) == [mission.pk for mission in missions]
    overdue = Advisory.objects.filter(kind="overdue").values_list("mission_id", flat=True)
    assert sorted(overdue) == [mission.pk for mission in missions]
