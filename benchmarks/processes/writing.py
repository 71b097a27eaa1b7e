"""The writer of the measurement of latency: a process of its own, which sets Django up itself."""

import multiprocessing
import time

import django

MISSIONS = 500


def write(rate: int, entries: int, told: "multiprocessing.SimpleQueue[dict[int, float]]") -> None:
    """So many reports, evenly at this rate, each in a transaction of its own; tells when each commit had returned."""
    django.setup()
    from benchmarks.processes import filling  # noqa: PLC0415  (needs the apps loaded)

    tellers = filling.tellers(MISSIONS)
    began, committed = time.time() + 0.2, {}
    for number in range(entries):
        time.sleep(max(0.0, began + number / rate - time.time()))
        tellers[number % len(tellers)](number)
        committed[number] = time.time()
    told.put(committed)
