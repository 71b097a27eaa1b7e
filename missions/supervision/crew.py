"""The supervisor of an installation's workers: one pool of processes for each queue, none of which outlives it.

It holds no thread and no connection, so that nothing of its own can be caught in a fork.
"""

import gc
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from types import FrameType

from django.db import connections

from coordinator.lib import leash
from missions.supervision import drain, presence
from missions.supervision.pool import Pool

DRAIN_S = 2.5
WATCH_EVERY_S = 1.0


class Crew:
    """Runs every queue until SIGTERM or SIGINT; then everything ends within about three seconds."""

    def __init__(self, prepare: Callable[[], object] | None = None) -> None:
        first = {presence.HOSTS: "missions.jobs.beat"}
        queues = presence.queues()
        self.pools = [
            Pool(queue, first=first.get(queue, ""), prepare=prepare if queue == queues[0] else None) for queue in queues
        ]
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
        drain.ask()
        for pool in self.pools:
            pool.ask_to_stop()
        end = time.monotonic() + DRAIN_S
        for pool in self.pools:
            if pool.process is not None:
                pool.process.join(max(0.0, end - time.monotonic()))
            pool.kill()
