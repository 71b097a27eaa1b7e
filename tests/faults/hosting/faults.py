"""The faults: what happens to a machine or to all of them.

Inside the `with` it has happened, at the moment (monotonic) that it gives; at the end of the `with` it is over.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import NamedTuple

from missions.supervision import presence
from tests.faults.crew import Workers, children_of
from tests.faults.hosting.site import Site
from tests.running.agents_at_hand import lives, until

FROZEN_S = (8.0, 10.0)

Fault = Callable[[Site, Workers, random.Random], AbstractContextManager[float]]


def kill(*pids: int) -> float:
    """Ends processes at once; returns when they are gone, with the moment at which they were ended."""
    began = time.monotonic()
    _send(signal.SIGKILL, pids)
    until(lambda: not any(map(lives, pids)))
    return began


@contextmanager
def worker(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    yield kill(machine.worker(presence.HOSTS))


@contextmanager
def attendant(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """The pusher or the monitor: the guard's children that are no worker."""
    host = machine.worker(presence.HOSTS)
    yield kill(chance.choice([pid for pid in children_of(machine.guard(presence.HOSTS)) if pid != host]))


@contextmanager
def guard(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    yield kill(machine.guard(presence.HOSTS))


@contextmanager
def command(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """The parent of all; who supervises it starts it again."""
    began = time.monotonic()
    machine.process.kill()
    machine.process.wait()
    machine.start()
    yield began


@contextmanager
def everything(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """Every process of every machine ends; the moment is that at which they are started again."""
    kill(*(pid for each in site.machines for pid in each.all()))
    for each in site.machines:
        each.process.wait()
    began = time.monotonic()
    for each in site.machines:
        each.start()
    yield began


@contextmanager
def restart(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """SIGTERM, an end in good order (one that has hardly begun just ends), and a start."""
    began = time.monotonic()
    machine.process.terminate()
    assert machine.process.wait(10) in (0, -signal.SIGTERM)
    machine.start()
    yield began


@contextmanager
def freeze(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """The whole machine stands still for longer than a lease, its connections open."""
    with _still(machine.all(), chance.uniform(*FROZEN_S)) as began:
        yield began


@contextmanager
def stuck(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    """The worker that hosts stands still, and those around it do not."""
    with _still([machine.worker(presence.HOSTS)], chance.uniform(*FROZEN_S)) as began:
        yield began


@contextmanager
def _still(pids: list[int], seconds: float) -> Iterator[float]:
    began = time.monotonic()
    _send(signal.SIGSTOP, pids)
    try:
        yield began
        time.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        _send(signal.SIGCONT, pids)


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def database(site: Site, machine: Workers, chance: random.Random) -> Iterator[float]:
    began = time.monotonic()
    site.ground.restart_hard()
    yield began


class Asked(NamedTuple):
    """What happens, how many seconds later the missions must be hosted and folding again, and how often it happens."""

    do: Fault
    within_s: float
    weight: int = 1


TABLE = {
    "worker": Asked(worker, 2, weight=4),
    "attendant": Asked(attendant, 2, weight=2),
    "guard": Asked(guard, 2, weight=2),
    "command": Asked(command, 2, weight=2),
    "restart": Asked(restart, 4, weight=2),
    "freeze": Asked(freeze, 8, weight=2),
    "stuck": Asked(stuck, 8, weight=1),
    "everything": Asked(everything, 4, weight=2),
    "database": Asked(database, 8, weight=2),
}
"""Pusher and monitor are the `attendant`. A machine that freezes is followed by another one."""
