"""The processes of an installation: forked from `up`, started again when they die, ended with it.

They are forked, not started anew, so that they share the memory of what `up` has loaded (50 MB less for each,
measured) and serve at once. `up` therefore holds no thread and no database connection while it forks.
"""

import gc
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType

from django.db import connections

from coordinator.lib import leash
from traceability import hints

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SETTLED_AFTER_S = 30.0
PATIENCE_S = 12.0
WATCH_EVERY_S = 1.0
ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Child:
    """One process and what it runs."""

    name: str
    run: Callable[[], object]
    process: ForkProcess | None = None
    began: float = 0.0
    pause_s: float = 0.0
    again_at: float = 0.0

    def start(self) -> None:
        self.began = time.monotonic()
        self.process = get_context("fork").Process(target=self._live, name=self.name)
        self.process.start()

    def restart_if_dead(self, now: float) -> str:
        """Starts it again after a pause that doubles; answers a sentence when it was found dead."""
        if self.process is None:
            if now >= self.again_at:
                self.start()
            return ""
        code = self.process.exitcode
        if code is None:
            return ""
        self.process = None
        settled = now - self.began > SETTLED_AFTER_S
        self.pause_s = SHORTEST_PAUSE_S if settled else min(max(self.pause_s * 2, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        self.again_at = now + self.pause_s
        return f"{self.name} ended with {code}; starting it again in {self.pause_s:g} s."

    def _live(self) -> None:
        os.setsid()
        for number in ASKED:
            signal.signal(number, signal.SIG_DFL)
        leash.die_with_parent()
        leash.take_name(f"coord {self.name}")
        self.run()


class Stop:
    """Set by SIGINT, SIGTERM and SIGHUP, which also wake `watch`; a second one does not interrupt the orderly end."""

    def __init__(self) -> None:
        self.asked = False
        self.ear, self.mouth = os.pipe()
        os.set_blocking(self.mouth, False)
        for number in ASKED:
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            os.write(self.mouth, b".")


def make_ready_to_fork() -> None:
    """Ends this process's connections and threads, and keeps its memory as it is, to be shared."""
    connections.close_all()
    hints.forget()
    gc.collect()
    gc.freeze()


def watch(children: Sequence[Child], stop: Stop, say: Callable[[str], None], also: Callable[[], object]) -> None:
    """Keeps the children alive until `stop` is asked; `also` is called each second at least."""
    while not stop.asked:
        living = [child.process.sentinel for child in children if child.process is not None]
        wait([stop.ear, *living], timeout=WATCH_EVERY_S if len(living) == len(children) else SHORTEST_PAUSE_S)
        if stop.asked:
            return
        also()
        for child in children:
            if sentence := child.restart_if_dead(time.monotonic()):
                say(sentence)


def end(children: Sequence[Child]) -> None:
    """Asks each to end, and ends what has not after a while."""
    running = [child.process for child in children if child.process is not None and child.process.exitcode is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + PATIENCE_S
    for process in running:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None and process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
