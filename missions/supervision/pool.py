"""One queue's processes: django-q2's guard with its workers, pusher and monitor, forked from ours and watched by it.

Measured on the stock cluster: one `kill -9` of an idle worker hangs it for good, of the guard leaves workers that
nobody guards, and SIGTERM to the whole group leaves a command that never ends.
"""

import logging
import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django_q.brokers import get_broker
from django_q.cluster import Sentinel
from django_q.conf import Conf

from coordinator.lib import leash
from missions.supervision import presence, pulse, spawning
from missions.supervision.broker import AFTER_FAULT_S, FAULTS
from missions.supervision.pulse import Signs
from missions.supervision.shared import Flag, MortalLock

GUARD_SILENT_AFTER_S = 20.0
SLICE_SILENT_AFTER_S = 6.0
QUEUE_ANSWERED_S = 3.0
NOTHING_MOVES_AFTER_S = 5.0
ASK_AGAIN_AFTER_S = 2.0
IDLE = -1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
DRAIN_S = {presence.HOSTS: 8.0}
OTHERS_DRAIN_S = 2.5
log = logging.getLogger(__name__)


class Guard(Sentinel):  # type: ignore[misc]
    """django-q2's sentinel, with locks that die with their holder, which says when nothing moves under it."""

    def __init__(self, stop: Flag, signs: Signs, prepare: Callable[[], object] | None) -> None:
        self.signs, self.prepare, self.asked = signs, prepare, time.monotonic()
        super().__init__(stop, Flag(), uuid.uuid4(), start=False)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.event_out = Flag()
        if MortalLock.USABLE:
            for queue in (self.task_queue, self.result_queue):
                queue._rlock, queue._wlock = MortalLock(), MortalLock()
        self.start()

    def guard(self) -> None:
        """Watches the workers until it is told to stop."""
        try:
            if self.prepare is not None:
                self.prepare()
        except DatabaseError as fault:
            log.warning("The schedules could not be made; they are when this queue is started again: %s", fault)
        super().guard()

    def status(self) -> str:
        """Asked for in every cycle: the sign of life, and the moment to look at the others'."""
        self.signs.guard.beat()
        if not self.stop_event.is_set():
            self._look_around()
        found: str = super().status()
        return found

    def _look_around(self) -> None:
        """Asks again for a slice that was lost; says when nobody takes messages although a worker is idle."""
        now = time.monotonic()
        hosting = presence.is_of_hosts(Conf.CLUSTER_NAME)
        if hosting and min(self.signs.slice.age_s, now - self.asked) > ASK_AGAIN_AFTER_S:
            self.asked = now
            spawning.ask()
        if self.signs.taker.age_s > NOTHING_MOVES_AFTER_S and any(map(_is_idle, self.pool)):
            self.signs.stuck.set()


class Pool:
    """The processes of one queue as the supervisor sees them: started, watched, started again, stopped."""

    def __init__(self, role: str, queue: str, workers: int, prepare: Callable[[], object] | None = None) -> None:
        self.role, self.queue, self.workers, self.prepare = role, queue, workers, prepare
        self.drain_s = DRAIN_S.get(role, OTHERS_DRAIN_S)
        self.process: ForkProcess | None = None
        self.pause_s, self.began, self.due = FIRST_PAUSE_S, 0.0, 0.0

    def start(self) -> None:
        """Forks the guard, which forks the rest."""
        self.stop, self.signs, self.began = Flag(), Signs(), time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self._stand_guard, name=self.queue)
        self.process.start()

    def watch(self) -> None:
        """Starts it again when it died or fell silent, after a pause that doubles with each early death."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start()
        elif fault := self.fault():
            lived = time.monotonic() - self.began
            log.error("%s of %s after %.1f s; its processes are started again.", fault, self.queue, lived)
            self.kill()
            self.pause_s = FIRST_PAUSE_S if lived > LONGEST_PAUSE_S else min(self.pause_s * 2, LONGEST_PAUSE_S)
            self.due = time.monotonic() + self.pause_s

    def fault(self) -> str:
        """What is wrong with it, empty when nothing is. While the queue is out of reach no slice can be expected."""
        if self.process is None or not self.process.is_alive():
            return "The guard went away"
        if self.signs.guard.age_s > GUARD_SILENT_AFTER_S:
            return "The guard fell silent"
        if self.signs.stuck.is_set():
            return "Nothing moved in the queue"
        if self.role == presence.HOSTS and self._slice_is_missed():
            return "No slice moved"
        return ""

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.stop.set()

    def kill(self) -> None:
        """Ends whatever is left of it, at once."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.join()
        self.process = None

    def _slice_is_missed(self) -> bool:
        return self.signs.slice.age_s > SLICE_SILENT_AFTER_S and self.signs.queue.age_s < QUEUE_ANSWERED_S

    def _stand_guard(self) -> None:
        os.setpgid(0, 0)
        leash.take_name(f"coord {self.role}")
        pulse.use(self.signs)
        for name, value in settings.Q_CLUSTER["ALT_CLUSTERS"].get(self.role, {}).items():
            setattr(Conf, name.upper(), value)
        Conf.CLUSTER_NAME, Conf.WORKERS = self.queue, self.workers
        self._wait_for_queue()
        if not self.stop.is_set():
            Guard(self.stop, self.signs, self.prepare)

    def _wait_for_queue(self) -> None:
        """A guard that began while its queue is away would die of it again and again, after ever longer pauses."""
        while not self.stop.is_set() and not _answers(self.queue):
            self.signs.guard.beat()
            self.stop.wait(AFTER_FAULT_S)
        self.signs.slice.beat()
        self.signs.taker.beat()


def _answers(queue: str) -> bool:
    try:
        get_broker(queue).queue_size()
    except FAULTS as fault:
        log.warning("The queue %s is away, its processes start once it is back: %s", queue, fault)
        connection.close()
        return False
    return True


def _is_idle(worker: Any) -> bool:
    """Whether it could take a task. One without a time limit always looks idle; there nothing can be said."""
    return Conf.TIMEOUT is not None and worker.is_alive() and worker.timer.value == IDLE
