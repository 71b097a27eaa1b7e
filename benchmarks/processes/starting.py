"""From `POST /api/missions/M/start` to the process that runs, in a host that holds all the others."""

import os
import time
import urllib.request
from collections.abc import Iterator
from statistics import median

from django.utils import timezone

from benchmarks.processes import crew
from benchmarks.processes.ground import Figure
from benchmarks.spine.streaming import served
from missions.models import MissionProcess, MissionStanding
from missions.services import planning
from tests.factories import person, token_of
from traceability.events import SYSTEM

STARTS = 30


def run() -> Iterator[Figure]:
    token = token_of(person("operator"))
    with crew.workers(hosts=1), served(os.environ["DATABASE_URL"]) as web:
        crew.until_held()
        crew.until_shown()
        crew.until(lambda: _answers(f"http://{web}/healthz"))
        times = [_start(f"http://{web}/api/missions", token, number) for number in range(STARTS)]
    for what, place, asked in (("running in the row and in the record", 0, "< 1"), ("shown in its standing", 1, "")):
        seconds = [each[place] for each in times]
        yield Figure(f"start by the API to the process {what}, median", median(seconds), "s", asked)
        yield Figure(f"start by the API to the process {what}, longest", max(seconds), "s", asked)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def _start(missions: str, token: str, number: int) -> tuple[float, float]:
    """Seconds from before the request to the process hosted, and to its standing kept."""
    mission = planning.create_mission(mission_id=f"started-{number}", goal="Start", actor=SYSTEM, now=timezone.now())
    process = MissionProcess.objects.filter(mission=mission, state="running", owner__isnull=False)
    standing = MissionStanding.objects.filter(mission=mission, seq__gte=4)
    asked = urllib.request.Request(
        f"{missions}/{mission.pk}/start", method="POST", headers={"Authorization": f"Bearer {token}"}
    )
    began = time.monotonic()
    urllib.request.urlopen(asked, timeout=30).close()
    crew.until(process.exists, every_s=0.01)
    hosted = time.monotonic() - began
    crew.until(standing.exists, every_s=0.01)
    return hosted, time.monotonic() - began
