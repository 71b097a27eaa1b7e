"""After each fault missions are hosted and folded again, in time, and nothing was lost on the way."""

import random
import time

import pytest
from django.db import connection

from tests.faults.hosting import truth
from tests.faults.hosting.faults import TABLE
from tests.faults.hosting.probing import heads, probe, seen
from tests.faults.hosting.site import Site
from tests.running.agents_at_hand import until

MISSIONS = 12
LEEWAY = 8
"""A busy machine may take so many times what is asked; what a quiet one takes is measured by `benchmarks.faults`."""

pytestmark = pytest.mark.xdist_group("hosting")


@pytest.mark.parametrize("fault", ["worker", "attendant", "guard", "command", "everything", "restart", "database"])
def test_missions_of_one_machine_are_hosted_again_after_a_fault_of(fault: str, site: Site) -> None:
    missions, asked, chance = site.plan(MISSIONS), TABLE[fault], random.Random(1)
    site.open(1)
    with asked.do(site, site.machines[0], chance) as began:
        probe(missions, since=began, within_s=LEEWAY * asked.within_s)
    began = time.monotonic()
    seen(heads(truth.missions()), since=began, within_s=10)
    assert truth.differences(truth.missions()) == []


def test_workers_that_start_before_their_database_wait_for_it(site: Site) -> None:
    missions = site.plan(2)
    site.open(1)
    site.ground.server.stop()
    machine = site.machines[0]
    machine.process.kill()
    machine.process.wait()
    machine.start()
    until(lambda: "is away" in machine.log.read_text(), within_s=30)
    site.ground.server.start()
    connection.close()
    probe(missions, since=time.monotonic(), within_s=30)
    assert "went away" not in machine.log.read_text(), "no process died of it"
