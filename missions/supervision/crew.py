"""The supervisor of an installation's workers: one pool of processes for each queue, none of which outlives it.

It holds no thread and no connection, so that nothing of its own can be caught in a fork.
"""

import gc
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from types import FrameType

from django.db import connections

from coordinator.lib import leash
from missions.supervision import drain, presence
from missions.supervision.pool import Pool

WATCH_EVERY_S = 1.0


class Crew:
    """Runs so many workers of each role until SIGTERM or SIGINT; then everything ends within ten seconds.

    `prepare` is called once by the guard of the default queue, in a process that may use the database.
    """

    def __init__(self, counts: Mapping[str, int], prepare: Callable[[], object] | None = None) -> None:
        self.pools = list(_pools(counts, prepare))
        self.stopping = False
        self.ear, self.mouth = os.pipe()

    def run(self) -> None:
        """Returns when everything has ended."""
        self._make_ready()
        for pool in self.pools:
            pool.start()
        while not self.stopping:
            living = [pool.process.sentinel for pool in self.pools if pool.process]
            wait([self.ear, *living], timeout=self._pause_s())
            if not self.stopping:
                for pool in self.pools:
                    pool.watch()
        self._drain()

    def ask_to_stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """What the signals call."""
        self.stopping = True
        with suppress(BlockingIOError):
            os.write(self.mouth, b".")

    def _make_ready(self) -> None:
        for each in connections.all():
            each.close()
            if each.settings_dict["OPTIONS"].pop("pool", None):  # a forked process must not share a pool
                each.settings_dict["CONN_MAX_AGE"] = 600
        drain.clear()
        os.set_blocking(self.mouth, False)
        leash.hold_all_children()
        signal.signal(signal.SIGTERM, self.ask_to_stop)
        signal.signal(signal.SIGINT, self.ask_to_stop)
        gc.collect()
        gc.freeze()

    def _pause_s(self) -> float:
        waiting = [pool.due - time.monotonic() for pool in self.pools if pool.process is None]
        return max(0.01, min([WATCH_EVERY_S, *waiting]))

    def _drain(self) -> None:
        """Hosts have the most to put away; the others do not wait for them."""
        drain.ask()
        for pool in self.pools:
            pool.ask_to_stop()
        began = time.monotonic()
        for pool in sorted(self.pools, key=lambda each: each.drain_s):
            if pool.process is not None:
                pool.process.join(max(0.0, began + pool.drain_s - time.monotonic()))
            pool.kill()


def _pools(counts: Mapping[str, int], prepare: Callable[[], object] | None) -> Iterator[Pool]:
    """One for each role that has workers; each host of mission processes has one of its own."""
    token = secrets.token_hex(3)
    for role in presence.ROLES:
        if role == presence.HOSTS:
            yield from (Pool(role, presence.own_queue(token, n + 1), 1) for n in range(counts[role]))
        elif counts[role]:
            chosen = prepare if role == presence.DEFAULT else None
            yield Pool(role, presence.queue_of(role), counts[role], chosen)
