"""The host: one bounded slice of supervision after another, each a task of the queue. One host works at a time.

A slice is woken by a message and ends by itself; rows say what is to be done, so a lost message costs a minute.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.tasks import async_task

from coordinator.lib.errors import Refusal
from missions.services import advising, claiming, executing
from missions.supervision import drain, supervisor
from missions.supervision.server import CannotFold, MissionServer, behind

LOCK = "missions.host"
SLICE_S = 50.0
TURN_S = 1.0
ADVICE_EVERY_S = 10.0

SERVERS: dict[int, MissionServer] = {}
"""The mission processes that this worker holds in memory, warm across its slices."""


def run(*, once: bool = False) -> int:
    """Runs one slice, or one turn of it; answers the number of turns, 0 when another host is at work."""
    with alone() as mine:
        if not mine:
            return 0
        turns = _turns(time.monotonic() + SLICE_S, once)
        if drain.asked():
            supervisor.give_back_all(host=name(), now=timezone.now())
    if not once and not drain.asked():
        async_task("missions.jobs.beat", save=False)
    return turns


def turn(*, now: datetime, advice: bool) -> None:
    """Everything that is due now: processes, leases, and on some turns advice."""
    supervisor.give_back_unwanted(now=now)
    supervisor.take_wanted(host=name(), now=now)
    evaluate(supervisor.beat(host=name(), now=now), now=now)
    claiming.expire(now=now)
    executing.expire(now=now)
    if advice:
        executing.wake_forgotten(now=now)
        advising.review(now=now)


def evaluate(mission_ids: list[int], *, now: datetime) -> None:
    """Lets every mission of this host catch up with its stream; one that cannot is marked, the others go on."""
    for gone in SERVERS.keys() - set(mission_ids):
        del SERVERS[gone]
    for mission_id in mission_ids:
        SERVERS.setdefault(mission_id, MissionServer(mission_id))
    for server in behind(SERVERS.values()):
        try:
            server.catch_up()
        except (CannotFold, Refusal, DatabaseError) as problem:
            del SERVERS[server.mission_id]
            supervisor.crash(server.mission_id, str(problem), host=name(), now=now)


def name() -> str:
    """This host: the machine's name; its one working slice holds the lock."""
    return socket.gethostname()[:200]


@contextmanager
def alone() -> Iterator[bool]:
    """Whether this worker got the hosts' lock; the database gives it back when the worker dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])


def _turns(end: float, once: bool) -> int:
    turns, parent, advised = 0, os.getppid(), float("-inf")
    while True:
        began = time.monotonic()
        advice = began - advised >= ADVICE_EVERY_S
        turn(now=timezone.now(), advice=advice)
        advised = began if advice else advised
        turns += 1
        if once or began + TURN_S >= end or drain.asked() or os.getppid() != parent:
            return turns
        time.sleep(max(0.0, TURN_S - (time.monotonic() - began)))
