"""Two hosts that both believe to own a mission: the one that was declared dead writes nothing and begins anew."""

import random
import time

import pytest
from django.utils import timezone

from missions.models import Claim, MissionHost, MissionProcess
from missions.services import claiming
from missions.supervision import presence
from tests.faults.hosting import truth
from tests.faults.hosting.faults import freeze, stuck
from tests.faults.hosting.probing import probe
from tests.faults.hosting.site import Site
from tests.missions import world
from tests.running.agents_at_hand import lives, until
from traceability.events import SYSTEM

CHANCE = random.Random(1)

pytestmark = pytest.mark.xdist_group("hosting")


def epochs() -> dict[int, int]:
    return dict(MissionProcess.objects.values_list("pk", "epoch"))


def test_a_frozen_machine_is_followed_and_thaws_as_another_host(site: Site) -> None:
    missions = site.plan(8)
    site.open(2)
    frozen, other = site.machines
    before = frozen.host()
    assert before is not None
    until(lambda: 0 < MissionProcess.objects.filter(owner=before).count() < len(missions))
    theirs = [each for each in missions if MissionProcess.objects.get(mission=each).owner_id == before]
    at_first = epochs()
    with freeze(site, frozen, CHANCE) as began:
        probe(theirs, since=began, within_s=32)
        assert set(MissionProcess.objects.values_list("host", flat=True)) == {other.machine}
        assert MissionHost.objects.get(pk=before).state == "dead"
    until(lambda: frozen.host() not in (before, None), within_s=20)
    probe(missions, since=time.monotonic(), within_s=20)
    assert all(epochs()[each.pk] > at_first[each.pk] for each in theirs)
    assert truth.differences(truth.missions()) == []


def test_when_the_leader_is_frozen_another_host_does_the_chores(site: Site) -> None:
    task = world.task()
    site.open(1)
    leader = site.machines[0]
    site.open(1)
    claiming.claim(task, world.agent(), ttl_s=1, actor=SYSTEM, now=timezone.now())
    with freeze(site, leader, CHANCE):
        until(lambda: not Claim.objects.exists(), within_s=30)


def test_a_frozen_worker_is_replaced_on_its_own_machine(site: Site) -> None:
    missions = site.plan(4)
    site.open(1)
    frozen = site.machines[0].worker(presence.HOSTS)
    with stuck(site, site.machines[0], CHANCE) as began:
        probe(missions, since=began, within_s=32)
        until(lambda: not lives(frozen), within_s=20)
