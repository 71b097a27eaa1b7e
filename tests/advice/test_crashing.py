"""Processes that crash: told once while they do so again and again, and anew when they are parked."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from missions.advice import everywhere
from missions.models import Advisory, Mission
from missions.services import advising, hosting
from missions.services.hosting import Owner
from tests.advice import causes
from tests.missions import world
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def crash(owner: Owner, mission: Mission, times: int, *, every: timedelta, now: datetime) -> datetime:
    """Crashes it so often, and answers the time of the last crash."""
    for number in range(times):
        at = now + number * every
        hosting.begin(owner, now=at, most=10)
        hosting.crash(owner, mission.pk, "Entry 7 is missing.", now=at)
    hosting.begin(owner, now=at + timedelta(seconds=5), most=10)
    return at


def opened() -> list[str]:
    return list(Advisory.objects.open().values_list("cause", flat=True))


def test_a_process_that_crashes_slowly_is_told_while_it_runs_in_between_and_until_it_stops_to_crash() -> None:
    mission = world.mission()
    at = crash(causes.host(), mission, 3, every=timedelta(seconds=61), now=timezone.now())
    mission.process.refresh_from_db()
    assert mission.process.state == "running"
    assert advising.sweep(now=at + timedelta(minutes=9)) == (1, 0)
    assert advising.sweep(now=at + timedelta(minutes=9, seconds=59)) == (0, 0)
    assert opened() == [f"process_crashed:mission:{mission.pk}"]
    assert advising.sweep(now=at + everywhere.CRASHED_LATELY) == (0, 1)


def test_a_process_that_crashed_twice_is_not_told() -> None:
    at = crash(causes.host(), world.mission(), 2, every=timedelta(seconds=61), now=timezone.now())
    assert advising.sweep(now=at) == (0, 0)


def test_a_parked_process_is_told_anew_until_it_is_restarted() -> None:
    owner, mission, now = causes.host(), world.mission(), timezone.now()
    at = crash(owner, mission, 3, every=timedelta(seconds=1), now=now)
    assert advising.sweep(now=at) == (1, 0)
    at = crash(owner, mission, 1, every=timedelta(seconds=1), now=at + timedelta(seconds=6))
    assert advising.sweep(now=at) == (1, 1)
    advisory = Advisory.objects.open().get()
    assert advisory.cause == f"process_crashed-parked:mission:{mission.pk}"
    assert (advisory.kind, advisory.severity) == ("process_crashed", "critical")
    assert advisory.message == f"The process of mission {mission.key} is parked after 4 crashes; restart it."
    assert advising.sweep(now=at + timedelta(days=9)) == (0, 0)
    hosting.restart(mission, actor=SYSTEM, now=at)
    assert advising.sweep(now=at) == (0, 1)
