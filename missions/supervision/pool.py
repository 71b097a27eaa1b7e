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
from django.db import DatabaseError
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.tasks import async_task

from missions.supervision.shared import Flag, MortalLock, Pulse

SILENT_AFTER_S = 20.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
log = logging.getLogger(__name__)


class Guard(Sentinel):  # type: ignore[misc]
    """django-q2's sentinel, with locks that die with their holder. `first` is asked of each fresh worker."""

    def __init__(
        self, stop: Flag, started: Flag, pulse: Pulse, first: str, prepare: Callable[[], object] | None
    ) -> None:
        self.pulse, self.first, self.prepare = pulse, first, prepare
        super().__init__(stop, started, uuid.uuid4(), start=False)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.event_out = Flag()
        if MortalLock.USABLE:
            self.task_queue._rlock, self.task_queue._wlock = MortalLock(), MortalLock()
            self.result_queue._rlock, self.result_queue._wlock = MortalLock(), MortalLock()
        self.start()

    def guard(self) -> None:
        """Watches the workers until it is told to stop."""
        self._in_database(self.prepare)
        self._in_database(self._wake)
        super().guard()

    def reincarnate(self, process: Any) -> None:
        """Replaces a dead process; a fresh worker learns what there is to do."""
        super().reincarnate(process)
        self._in_database(self._wake)

    def status(self) -> str:
        """Asked for in every cycle: the sign of life."""
        self.pulse.beat()
        found: str = super().status()
        return found

    def _wake(self) -> None:
        if self.first:
            async_task(self.first, cluster=Conf.CLUSTER_NAME, save=False)

    def _in_database(self, do: Callable[[], object] | None) -> None:
        try:
            if do is not None:
                do()
        except DatabaseError as fault:
            log.warning("The queue %s could not be prepared; its schedule will: %s", Conf.CLUSTER_NAME, fault)


class Pool:
    """The processes of one queue as the supervisor sees them: started, watched, started again, stopped."""

    def __init__(self, queue: str, *, first: str = "", prepare: Callable[[], object] | None = None) -> None:
        self.queue, self.first, self.prepare = queue, first, prepare
        self.process: ForkProcess | None = None
        self.pause_s, self.began, self.due = FIRST_PAUSE_S, 0.0, 0.0

    def start(self) -> None:
        """Forks the guard, which forks the rest."""
        self.stop, self.pulse, self.began = Flag(), Pulse(), time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self._stand_guard, name=self.queue)
        self.process.start()

    def watch(self) -> None:
        """Starts it again when it died or fell silent, after a pause that doubles with each early death."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start()
        elif not self.process.is_alive() or self.pulse.age_s > SILENT_AFTER_S:
            lived = time.monotonic() - self.began
            log.error("The workers of %s went away after %.1f s; they are started again.", self.queue, lived)
            self.kill()
            self.pause_s = FIRST_PAUSE_S if lived > LONGEST_PAUSE_S else min(self.pause_s * 2, LONGEST_PAUSE_S)
            self.due = time.monotonic() + self.pause_s

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

    def _stand_guard(self) -> None:
        os.setpgid(0, 0)
        for name, value in settings.Q_CLUSTER["ALT_CLUSTERS"].get(self.queue, {}).items():
            setattr(Conf, name.upper(), value)
        Conf.CLUSTER_NAME = self.queue
        Guard(self.stop, Flag(), self.pulse, self.first, self.prepare)
