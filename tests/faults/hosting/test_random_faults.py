"""Faults at random under load: afterwards state equals replay everywhere, and nothing happened twice.

The long run, with more missions, more faults and several seeds, is `python -m benchmarks.faults`.
"""

import random
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.faults.hosting import campaign
from tests.faults.hosting.ground import Ground
from tests.faults.hosting.site import sited
from tests.running.agents_at_hand import FakeClaude

MISSIONS = 60
FAULTS = ("worker", "guard", "attendant", "database", "everything", "restart")
LEEWAY = 8
SEED = 7

pytestmark = pytest.mark.xdist_group("hosting")


def test_after_random_faults_under_load_nothing_is_lost_and_nothing_is_done_twice(
    ground: Ground, tmp_path: Path, claude: FakeClaude, django_db_blocker: DjangoDbBlocker
) -> None:
    chance = random.Random(SEED)
    with django_db_blocker.unblock(), sited(ground, tmp_path, EXECUTIONS="1") as site:
        missions = site.plan(MISSIONS)
        site.open(2)
        site.write(writers=2, pause_s=0.05)
        faults = chance.sample(FAULTS, len(FAULTS))
        hits = list(campaign.befall(site, missions, faults, chance, leeway=LEEWAY))
        assert [hit.fault for hit in hits] == faults
        assert campaign.settle(site, within_s=30) == []
