"""What the worker that hosts all missions holds in memory, forked by `manage.py workers` as in a real installation.

PSS shares between processes what they have in common since they were forked; private is what goes with the worker.
"""

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.processes import crew, filling
from benchmarks.processes.ground import Figure
from missions.models import MissionProcess

FEW, MORE = 10, 20
MIB = 2**20


def run() -> Iterator[Figure]:
    count = MissionProcess.objects.count()
    MissionProcess.objects.update(wanted=False)
    with crew.workers(hosts=1):
        worker = crew.host()
        time.sleep(crew.REST_S)
        bare = worker.memory_full_info()
        yield from _figures("worker with no mission", bare, "")
        MissionProcess.objects.update(wanted=True)
        yield Figure(f"{count:,} missions claimed and loaded from their first entries on", crew.until_held(), "s")
        crew.until_shown()
        yield from _held(f"worker with {count:,} missions, {FEW} tasks and 3 agents each", worker, bare, "< 200")
    filling.grow(MORE)
    with crew.workers(hosts=1):
        worker = crew.host()
        yield Figure(f"{count:,} missions claimed and loaded, {MORE} new tasks of each folded", crew.until_held(), "s")
        crew.until_shown()
        yield from _held(f"worker with {count:,} missions, {FEW + MORE} tasks and 3 agents each", worker, bare, "")


def _held(what: str, worker: Any, bare: Any, asked: str) -> Iterator[Figure]:
    full = worker.memory_full_info()
    yield from _figures(what, full, asked)
    yield Figure("private for each mission", (full.uss - bare.uss) / MissionProcess.objects.count() / 1024, "KiB")


def _figures(what: str, seen: Any, asked: str) -> Iterator[Figure]:
    yield Figure(f"{what}: PSS", seen.pss / MIB, "MiB", asked)
    yield Figure(f"{what}: private", seen.uss / MIB, "MiB", asked)
