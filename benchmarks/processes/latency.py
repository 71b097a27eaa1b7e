"""From a committed entry to the folded state, and to the standing that others read, in a host that holds all missions.

The host runs in this process and is the product's own; it notes when it has folded an entry and when a standing was
written. Writers are other processes that record through the ledger and note when each commit has returned; the
clock is the machine's, the same for both.
"""

import multiprocessing
import re
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.processes import writing
from benchmarks.processes.ground import Figure
from missions.models import MissionProcess
from missions.supervision.feed import News
from missions.supervision.host import Host
from missions.supervision.tenure import Tenure

RATES = {"idle": (5, 150), "100 entries/s": (100, 1000), "500 entries/s": (500, 5000)}
"""Entries a second, and how many."""

ASKED = {"idle": ("< 15", ""), "500 entries/s": ("", "< 100")}
SETTLED_S = 2.0
MOST_EACH = 200
"""Entries a second of one writer; for more there are more of them."""

NUMBER = re.compile(r'"report":(\d+)')


class Folded(NamedTuple):
    """Where the stream of a mission was when an entry was folded, and when that was."""

    mission_id: int
    seq: int
    at: float


class Watched(Host):
    """Notes when each numbered entry was folded, and when standings were written."""

    def __init__(self) -> None:
        super().__init__("bench")
        self.folded: dict[int, Folded] = {}
        self.shown: dict[int, list[tuple[int, float]]] = defaultdict(list)

    def _fold(self, tenure: Tenure, mission_id: int, news: News) -> None:
        super()._fold(tenure, mission_id, news)
        now = time.time()
        if found := NUMBER.search(news.text):
            self.folded[int(found[1])] = Folded(mission_id, news.seq, now)

    def show(self, tenure: Tenure, **how: bool) -> None:
        waiting = set(self.holding.changed)
        super().show(tenure, **how)
        now = time.time()
        for mission_id in waiting - set(self.holding.changed):
            self.shown[mission_id].append((self.holding.servers[mission_id].shown, now))

    def shown_at(self, entry: Folded) -> float:
        """When a standing with this entry in it had been written."""
        rows = self.shown[entry.mission_id]
        return rows[bisect_left(rows, (entry.seq, 0.0))][1]


def run() -> Iterator[Figure]:
    host, count = Watched(), MissionProcess.objects.count()
    host.turn()
    while len(host.holding.servers) < count or host.holding.changed or host.holding.touched:
        host.turn()
        host.wait(1.0)
    for words, (rate, entries) in RATES.items():
        host.folded.clear()
        cpu, began = time.process_time(), time.monotonic()
        committed = _hosted(host, rate, entries)
        busy = (time.process_time() - cpu) / (time.monotonic() - began) * 100
        times = [at for _, at in sorted(committed.items())]
        yield Figure(f"{words}: written", (len(times) - 1) / (times[-1] - times[0]), "entries/s")
        yield Figure(f"{words}: entries lost", len(committed.keys() - host.folded.keys()), "", "0")
        fold = [host.folded[number].at - at for number, at in committed.items()]
        yield from _spread(f"{words}: committed to folded", fold, ASKED.get(words, ("", "")))
        shown = [host.shown_at(host.folded[number]) - at for number, at in committed.items()]
        yield from _spread(f"{words}: committed to the standing that others read", shown, ("", ""))
        yield Figure(f"{words}: processor time of the host", busy, "% of a core")
    host.drain()


def _hosted(host: Host, rate: int, entries: int) -> dict[int, float]:
    """Hosts while writers write, and a little longer; answers when each commit had returned, by number."""
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    count = 1 + rate // MOST_EACH
    parts = [range(first, entries, count) for first in range(count)]
    writers = [context.Process(target=writing.write, args=(rate / count, numbers, told)) for numbers in parts]
    for each in writers:
        each.start()
    committed: dict[int, float] = {}
    while len(committed) < entries:
        _host_for(host, 0.2)
        alive = any(each.is_alive() for each in writers)
        if not told.empty():
            committed |= told.get()
        elif not alive:
            raise RuntimeError("a writer died")
    _host_for(host, SETTLED_S)
    for each in writers:
        each.join()
    return committed


def _host_for(host: Host, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        host.turn()
        host.wait(left)


def _spread(what: str, seconds: Sequence[float], asked: tuple[str, str]) -> Iterator[Figure]:
    yield Figure(f"{what}, p50", median(seconds) * 1000, "ms", asked[0])
    yield Figure(f"{what}, p99", quantiles(seconds, n=100)[98] * 1000, "ms", asked[1])
