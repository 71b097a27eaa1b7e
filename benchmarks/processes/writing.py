"""The writer of the measurement of latency: a process of its own, which sets Django up itself."""

import multiprocessing
import time

import django

MISSIONS = 500


def write(rate: float, numbers: range, told: "multiprocessing.SimpleQueue[dict[int, float]]") -> None:
    """A report for each number, evenly at this rate, each in a transaction; tells when each commit had returned."""
    django.setup()
    from benchmarks.processes import filling  # noqa: PLC0415  (needs the apps loaded)

    tellers = filling.tellers(MISSIONS)
    began, committed = time.time() + 0.2, {}
    for place, number in enumerate(numbers):
        time.sleep(max(0.0, began + place / rate - time.time()))
        tellers[number % len(tellers)](number)
        committed[number] = time.time()
    told.put(committed)
