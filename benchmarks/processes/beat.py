"""What 10,000 missions that rest cost their host: the beat, a whole turn, and the processor time of the worker."""

import gc
import time
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.processes import crew
from benchmarks.processes.ground import Figure
from missions.models import MissionProcess
from missions.supervision.host import Host

BEATS, IDLE_S = 40, 45.0


def run() -> Iterator[Figure]:
    count = MissionProcess.objects.count()
    yield from _in_this_process(count)
    with crew.workers(hosts=1):
        worker = crew.host()
        crew.until_held()
        crew.until_shown()
        before = worker.cpu_times()
        time.sleep(IDLE_S)
        after = worker.cpu_times()
    used = after.user + after.system - before.user - before.system
    yield Figure(
        f"processor time of a worker that hosts {count:,} missions at rest", used / IDLE_S * 100, "% of a core"
    )


def _in_this_process(count: int) -> Iterator[Figure]:
    host = Host("bench")
    began = time.perf_counter()
    while len(host.holding.servers) < count:
        host.turn()
    yield Figure(f"{count:,} missions claimed and loaded by the turns of one host", time.perf_counter() - began, "s")
    began = time.perf_counter()
    while host.holding.touched or host.holding.changed:
        host.turn()
        host.wait(1.0)
    yield Figure(f"{count:,} missions considered for advice and shown", time.perf_counter() - began, "s")
    tenure = host.tenure
    assert tenure is not None
    yield from _spread(f"a beat over {count:,} idle missions", [_once(host.beat, tenure) for _ in range(BEATS)], "< 20")
    yield from _spread("an idle turn without a beat", [_once(host.turn) for _ in range(BEATS)], "")
    yield from _spread("the comparison with the rows, each 15 s", [_once(host.compare, tenure) for _ in range(9)], "")
    yield Figure("a full collection of Python's garbage", _once(gc.collect), "ms")
    host.drain()


def _spread(what: str, milliseconds: Sequence[float], asked: str) -> Iterator[Figure]:
    yield Figure(f"{what}, median", median(milliseconds), "ms", asked)
    yield Figure(f"{what}, longest", max(milliseconds), "ms", asked)


def _once(work: object, *given: object) -> float:
    began = time.perf_counter()
    work(*given)  # type: ignore[operator]
    return (time.perf_counter() - began) * 1000
