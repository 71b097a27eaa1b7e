"""The host: one bounded slice of supervision after another, each a task of the queue. One host works at a time.

A slice is woken by a message and sees every change by the ledger's hints; rows say what is to be done, so a lost
message or hint costs a second. A host without work stands by and takes over when the working one dies.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone
from django_q.tasks import async_task

from accounts.services import routing_notifications, sending_notifications
from coordinator.lib.errors import Refusal
from missions.services import advising, claiming, executing, hosting
from missions.supervision import drain, executor, presence
from missions.supervision.server import CannotFold, MissionServer, behind
from traceability import hints

LOCK = "missions.host"
SLICE_S = 50.0
TURN_S = 1.0
SHORTEST_TURN_S = 0.1
ADVICE_EVERY_S = 10.0
AFTER_FAULT_S = 0.5
LATELY = timedelta(seconds=5)
log = logging.getLogger(__name__)

OFTEN: tuple[Callable[..., object], ...] = (
    claiming.expire,
    executing.stop_unwanted,
    executor.bury,
    routing_notifications.route,
    sending_notifications.call_due,
)
SELDOM: tuple[Callable[..., object], ...] = (executing.wake_forgotten, advising.review)

SERVERS: dict[int, MissionServer] = {}
"""The mission processes that this worker holds in memory, warm across its slices."""

_at_work: dict[int, datetime] = {}
"""When this process last ended a slice, by its pid."""


def run(asked_at: datetime | None) -> int:
    """Runs one slice; answers the number of turns.

    A message asked for before the last slice ended is satisfied already: it runs nothing and has no successor, so
    that any number of wake-ups leaves one chain of slices.
    """
    last = _at_work.get(os.getpid())
    if drain.asked() or (last and last >= (asked_at or timezone.now() - LATELY)):
        return 0
    turns = _slice(time.monotonic() + SLICE_S)
    _at_work[os.getpid()] = timezone.now()
    if not drain.asked():
        wake(timezone.now())
    return turns


def wake(now: datetime) -> None:
    """Asks for a slice."""
    async_task("missions.jobs.beat", now.isoformat(), cluster=presence.HOSTS, save=False)


def turn(*, now: datetime, advice: bool) -> None:
    """Everything that is due now: processes, leases, and on some turns advice. One chore's fault spares the others."""
    name = presence.machine()
    _do(hosting.give_back_unwanted, now)
    _do(lambda *, now: hosting.take_wanted(host=name, now=now), now)
    _do(lambda *, now: evaluate(hosting.beat(host=name, now=now), now=now), now)
    for chore in (*OFTEN, *(SELDOM if advice else ())):
        _do(chore, now)


def evaluate(mission_ids: list[int], *, now: datetime) -> None:
    """Lets every mission of this host catch up with its stream; one that cannot is marked, the others go on."""
    for gone in SERVERS.keys() - set(mission_ids):
        del SERVERS[gone]
    for mission_id in mission_ids:
        SERVERS.setdefault(mission_id, MissionServer(mission_id))
    for server in behind(SERVERS.values()):
        try:
            server.catch_up()
        except CannotFold as problem:
            del SERVERS[server.mission_id]
            hosting.crash(server.mission_id, str(problem), host=presence.machine(), now=now)


@contextmanager
def alone() -> Iterator[psycopg.Connection | None]:
    """A connection that holds the hosts' lock and hears the ledger's hints; None while another host holds it.

    The lock is this host's certificate of life: the database gives it back when the process or the network dies.
    """
    with hints.connect() as held:
        row = held.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK]).fetchone()
        if row is None or not row[0]:
            yield None
            return
        held.execute(f"LISTEN {hints.CHANNEL}")
        yield held
        held.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])  # at once: the next slice follows closely


def _slice(end: float) -> int:
    """Works, or stands by, until `end`; a database that went away is waited for."""
    turns = 0
    while time.monotonic() < end and not drain.asked():
        try:
            with alone() as held:
                if held is not None:
                    turns += _turns(held, end)
                    continue
            presence.beat(presence.HOSTS, now=timezone.now())
            drain.wait(TURN_S)
        except (OperationalError, InterfaceError, psycopg.OperationalError) as fault:
            log.warning("The host lost the database, trying again: %s", fault)
            connection.close()
            drain.wait(AFTER_FAULT_S)
    return turns


def _turns(held: psycopg.Connection, end: float) -> int:
    turns, advised = 0, float("-inf")
    while not drain.asked():
        began = time.monotonic()
        advice = began - advised >= ADVICE_EVERY_S
        turn(now=timezone.now(), advice=advice)
        presence.beat(presence.HOSTS, now=timezone.now())
        advised = began if advice else advised
        turns += 1
        if began >= end:
            break
        for _ in held.notifies(timeout=TURN_S, stop_after=1):
            pass
        drain.wait(SHORTEST_TURN_S - (time.monotonic() - began))
    if drain.asked():
        hosting.give_back_all(host=presence.machine(), now=timezone.now())
        SERVERS.clear()
    return turns


def _do(chore: Callable[..., object], now: datetime) -> None:
    try:
        chore(now=now)
    except (OperationalError, InterfaceError):
        raise
    except (Refusal, DatabaseError) as problem:
        log.error("A chore of the host failed and is tried again: %s", problem)
