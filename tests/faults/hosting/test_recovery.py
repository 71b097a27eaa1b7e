"""After each fault missions are hosted and folded again, in time, and nothing was lost on the way."""

import random
import time

import pytest

from tests.faults.hosting import truth
from tests.faults.hosting.faults import TABLE
from tests.faults.hosting.probing import heads, probe, seen
from tests.faults.hosting.site import Site

MISSIONS = 12
LEEWAY = 4
"""A busy machine may take so many times what is asked; what a quiet one takes is measured by `benchmarks.faults`."""


@pytest.mark.parametrize("fault", ["worker", "attendant", "guard", "command", "everything", "restart", "database"])
def test_missions_of_one_machine_are_hosted_again_after_a_fault_of(fault: str, site: Site) -> None:
    missions, asked, chance = site.plan(MISSIONS), TABLE[fault], random.Random(1)
    site.open(1)
    began = time.monotonic()
    with asked.do(site, site.machines[0], chance):
        probe(missions, since=began, within_s=LEEWAY * asked.within_s)
    began = time.monotonic()
    seen(heads(truth.missions()), since=began, within_s=10)
    assert truth.differences(truth.missions()) == []
