"""`manage.py workers` as a service manager runs it, and a look at the worker that hosts missions."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
from django.db import connection

from missions.models import MissionHost, MissionProcess

PATIENCE_S = 300.0
REST_S = 3.0
NOBODY = {"hosts": 0, "default": 0, "exec": 0, "health": 0}
BEHIND = """
SELECT count(*) FROM missions_missionprocess AS process
JOIN traceability_streamhead AS head ON head.stream = 'mission:' || process.mission_id
LEFT JOIN missions_missionstanding AS shown USING (mission_id)
WHERE process.wanted AND coalesce(shown.seq, 0) < head.seq
"""


@contextmanager
def workers(**counts: int) -> Iterator[None]:
    """So many workers of each role, none of the others."""
    words = [f"{role}={count}" for role, count in {**NOBODY, **counts}.items()]
    process = subprocess.Popen([sys.executable, "manage.py", "workers", *words])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def host() -> psutil.Process:
    """The worker process that hosts missions, once it does."""
    until(lambda: MissionHost.objects.living().exists())
    return psutil.Process(MissionHost.objects.living().order_by("-pk").values_list("pid", flat=True)[0])


def until_held() -> float:
    """Waits until every wanted process is held; answers how many seconds that took."""
    began, wanted = time.monotonic(), MissionProcess.objects.filter(wanted=True).count()
    until(lambda: sum(MissionHost.objects.living().values_list("missions", flat=True)) >= wanted)
    return time.monotonic() - began


def until_shown() -> None:
    """Waits until each mission's standing is at the end of its stream, and nothing is left to do but to wait."""
    until(lambda: not behind())
    time.sleep(REST_S)


def behind() -> int:
    """How many missions' standings are not at the end of their streams."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND)
        return int(cursor.fetchone()[0])


def until(answer: Callable[[], object], every_s: float = 0.05) -> None:
    """Looks again and again; raises TimeoutError after some minutes."""
    end = time.monotonic() + PATIENCE_S
    while not answer():
        if time.monotonic() > end:
            raise TimeoutError("the workers did not come so far")
        time.sleep(every_s)
