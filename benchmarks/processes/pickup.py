"""From `async_task` to the job's first line in a worker of `manage.py workers`, through the queue in the database."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from django_q.tasks import async_task

from benchmarks.processes import crew
from benchmarks.processes.ground import Figure
from missions.models import WorkerHost

JOBS, GAP_S = 200, 0.05
NOTES = Path(os.environ.get("COORDINATOR_DATA", "")) / "picked-up"


def note(sent_at: float) -> None:
    """The job: notes how long it took to get here."""
    with NOTES.open("a") as notes:
        notes.write(f"{time.time() - sent_at}\n")


def run() -> Iterator[Figure]:
    with crew.workers(default=1):
        crew.until(WorkerHost.objects.filter(queue="coordinator").exists)
        _jobs(5)
        yield from _spread("async_task to the job", _jobs(JOBS))
    with crew.workers(default=1):
        crew.until(WorkerHost.objects.filter(queue="coordinator").exists)
        _jobs(5)
        began = time.monotonic()
        for _ in range(JOBS):
            async_task("benchmarks.processes.pickup.note", time.time(), save=False)
        crew.until(lambda: len(_notes()) >= JOBS + 5)
        yield Figure(f"{JOBS} jobs at once, one worker", JOBS / (time.monotonic() - began), "jobs/s")


def _jobs(count: int) -> list[float]:
    """So many jobs one after another; answers how long each took to be picked up."""
    NOTES.write_text("")
    for number in range(count):
        async_task("benchmarks.processes.pickup.note", time.time(), save=False)
        crew.until(lambda number=number: len(_notes()) > number, every_s=0.005)
        time.sleep(GAP_S)
    return _notes()


def _notes() -> list[float]:
    return [float(line) for line in NOTES.read_text().split("\n")[:-1]]


def _spread(what: str, seconds: list[float]) -> Iterator[Figure]:
    yield Figure(f"{what}, p50", median(seconds) * 1000, "ms", "< 30")
    yield Figure(f"{what}, p99", quantiles(seconds, n=100)[98] * 1000, "ms")
