"""A mission whose stream cannot be folded crashes the allowed times and parks; those beside it notice nothing."""

import time
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from missions import restarts
from missions.models import Advisory, Mission, MissionProcess
from missions.services import hosting
from tests.faults.hosting.probing import heads, probe, seen
from tests.faults.hosting.site import Site
from tests.running.agents_at_hand import until
from traceability import ledger
from traceability.events import SYSTEM, Event
from traceability.models import Entry

USUAL_S = 3.0
"""Ten times what it takes on a quiet machine until a standing shows what is new."""

pytestmark = pytest.mark.xdist_group("hosting")
LIFE = ["starting", "running", *["crashed", "running"] * restarts.MAX_RESTARTS, "parked"]


@dataclass(frozen=True, kw_only=True)
class Nonsense(Event):
    """Something that no part of the product knows."""

    kind: ClassVar[str] = "mission.poisoned"


@dataclass(frozen=True, kw_only=True)
class Misfit(Event):
    """A move that says nothing of where to."""

    kind: ClassVar[str] = "mission.moved"


def poison(mission: Mission, event: type[Event]) -> None:
    with ledger.writing():
        ledger.record(event(mission=mission.ref), actor=SYSTEM, at=timezone.now())


def state_of(mission: Mission) -> str:
    return MissionProcess.objects.get(mission=mission).state


def told(mission: Mission) -> list[Any]:
    rows = Entry.objects.of_kind("mission.process_changed").of_mission(mission.pk).order_by("id")
    return [row.data["state"] for row in rows]


@pytest.mark.parametrize(("event", "beside"), [(Nonsense, 99), (Misfit, 9)])
def test_a_poisoned_mission_is_parked_and_the_others_notice_nothing(
    event: type[Event], beside: int, site: Site
) -> None:
    bad, *good = site.plan(1 + beside, tasks=0)
    site.open(1)
    seen(heads(each.pk for each in good), since=time.monotonic(), within_s=20)
    poison(bad, event)
    rounds = 0
    while state_of(bad) != "parked":
        rounds += 1
        assert rounds < 100
        probe(good[rounds % 3 :: 3][:5], since=time.monotonic(), within_s=USUAL_S)
    assert told(bad) == LIFE
    assert set(MissionProcess.objects.exclude(pk=bad.pk).values_list("state", "restarts")) == {("running", 0)}
    until(lambda: Advisory.objects.open().filter(mission=bad).exists(), within_s=20)

    hosting.restart(bad, actor=SYSTEM, now=timezone.now())
    until(lambda: state_of(bad) == "parked", within_s=20)
    assert told(bad) == LIFE * 2
