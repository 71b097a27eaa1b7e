"""A campaign: seeded faults on machines that host many busy missions, and what each of them cost."""

import random
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.utils import timezone

from missions.models import Claim, Execution, Mission, MissionProcess
from missions.services import executing
from tests.faults.crew import Workers
from tests.faults.hosting import truth
from tests.faults.hosting.faults import TABLE
from tests.faults.hosting.probing import heads, probe, seen
from tests.faults.hosting.site import Site
from tests.missions import world
from tests.running.agents_at_hand import until
from traceability.events import SYSTEM

OTHERS = 4
PATIENT = 0.7
"""How often the next fault waits until the last one is over everywhere."""

RUNS = 2
"""Executions that are asked for before each fault."""


class Hit(NamedTuple):
    """A fault, the machine it befell, and seconds until the missions it touched were hosted and folded again.

    `itself` is how much of that the fault took, for instance until the database was started again. `alone`: every
    machine hosted missions when it came, none was recovering from the fault before.
    """

    fault: str
    machine: str
    seconds: float
    itself: float
    alone: bool


def chosen(chance: random.Random, faults: int) -> list[str]:
    """So many faults, the likely ones more often."""
    names = list(TABLE)
    return chance.choices(names, weights=[TABLE[name].weight for name in names], k=faults)


def befall(
    site: Site, missions: Sequence[Mission], faults: Sequence[str], chance: random.Random, *, leeway: float
) -> Iterator[Hit]:
    """One fault after the other; each may take `leeway` times what is asked."""
    for name in faults:
        for _ in range(RUNS):
            _run(chance.choice(missions))
        if chance.random() < PATIENT:
            until(site.is_whole, within_s=60)
        time.sleep(chance.random())
        machine, alone = chance.choice(site.machines), site.is_whole()
        touched = _touched(machine, missions, chance)
        with TABLE[name].do(site, machine, chance) as began:
            itself = time.monotonic() - began
            seconds = probe(touched, since=began, within_s=leeway * TABLE[name].within_s)
        yield Hit(name, machine.machine, seconds, itself, alone)


def settle(site: Site, *, within_s: float) -> list[str]:
    """Lets everything come to rest; answers what is not true then, and once every machine has ended in good order."""
    site.rest()
    until(lambda: not Execution.objects.filter(state__in=Execution.OPEN).exists(), within_s=within_s)
    until(lambda: not Claim.objects.exists(), within_s=within_s)
    until(lambda: site.is_whole() and site.is_hosted(), within_s=within_s)
    found = _found_at_rest(within_s)
    site.drain()
    return [*found, *truth.unkept(truth.missions())]


def _found_at_rest(within_s: float) -> list[str]:
    """What is not true at a moment at which nothing had been told since every standing was up to date."""
    ids, end = truth.missions(), time.monotonic() + within_s
    while True:
        wanted = heads(ids)
        seen(wanted, since=time.monotonic(), within_s=within_s)
        found = truth.differences(ids)
        if wanted == heads(ids):
            return found
        assert time.monotonic() < end, "it does not come to rest"


def _touched(machine: Workers, missions: Sequence[Mission], chance: random.Random) -> list[Mission]:
    """Some that this machine hosts, and some of any."""
    theirs = MissionProcess.objects.filter(owner=machine.host()).values_list("pk", flat=True)
    known = {each.pk: each for each in missions}
    hosted = [known[pk] for pk in theirs if pk in known]
    some = chance.sample(hosted, min(OTHERS, len(hosted))) + chance.sample(list(missions), min(OTHERS, len(missions)))
    return list({each.pk: each for each in some}.values())


def _run(mission: Mission) -> None:
    task = world.task(mission, agent=world.agent(adapter_module="claude_code"))
    executing.request_execution(task, actor=SYSTEM, now=timezone.now())
