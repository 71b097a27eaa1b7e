"""Slices: bounded tasks of the queue `hosts` in which a worker process hosts missions.

The host stays in the worker's memory from one slice to the next. Each slice asks for its successor a second before it
ends, so that there is no gap, and never ends while its host holds work that nobody continues. A chain of slices belongs
to one process: a message of another chain is taken only by a process that has been idle, so that lost, doubled and
late messages leave one chain. A queue of hosts therefore has one worker; more hosts on a machine are more queues.
"""

import logging
import os
import time
import uuid
from dataclasses import dataclass, field

import psycopg
from django.db import DatabaseError, connection
from django_q.conf import Conf
from django_q.tasks import async_task
from redis.exceptions import RedisError

from coordinator.lib.outages import is_outage
from missions.supervision import drain, presence, pulse
from missions.supervision.host import Host

SLICE_S = 60.0
ASK_BEFORE_END_S = 1.0
IDLE_AFTER_S = 5.0
AFTER_FAULT_S = 0.3
JOB = "missions.jobs.beat"
log = logging.getLogger(__name__)


@dataclass
class Chain:
    """This process's chain of slices: its host, the ticket that the next slice carries, and when the last one ended."""

    host: Host
    pid: int
    ticket: str = ""
    ended: float = field(default=float("-inf"))


_chain: Chain | None = None


def run(ticket: str = "") -> int:
    """Runs one slice; answers the number of turns, 0 when another message keeps this process's chain going."""
    chain = _own()
    if drain.asked():
        chain.host.drain()
        return 0
    is_next = bool(ticket) and ticket == chain.ticket
    if not (is_next or time.monotonic() - chain.ended > IDLE_AFTER_S):
        return 0
    chain.ticket, whole = uuid.uuid4().hex, False
    try:
        turns = _slice(chain, time.monotonic() + SLICE_S)
        whole = True
    finally:
        chain.ended = time.monotonic() if whole else float("-inf")
        if not whole:  # whatever it was: others take what this host holds, and the next message begins anew
            chain.host.lose()
    return turns


def wake(ticket: str = "") -> None:
    """Asks for a slice, of the queue that this process serves when it serves one."""
    serves = str(Conf.CLUSTER_NAME or "")
    queue = serves if serves.startswith(presence.HOSTS) else presence.HOSTS
    async_task(JOB, *filter(None, [ticket]), cluster=queue, save=False)


def forget() -> None:
    """Ends this process's chain; the next slice is the first of another."""
    global _chain
    if _chain is not None:
        _chain.host.lose()
    _chain = None


def _own() -> Chain:
    global _chain
    if _chain is None or _chain.pid != os.getpid():
        _chain = Chain(Host(presence.machine()), os.getpid())
    return _chain


def _slice(chain: Chain, end: float) -> int:
    turns, asked = 0, False
    while not drain.asked() and not (asked and time.monotonic() >= end):
        pulse.beat()
        try:
            chain.host.turn()
            turns += 1
            asked = asked or (time.monotonic() >= end - ASK_BEFORE_END_S and _ask(chain.ticket))
            chain.host.wait(max(end - time.monotonic(), 0.0))
        except (DatabaseError, psycopg.Error) as fault:
            _give_up(chain, fault)
    if drain.asked():
        chain.host.drain()
    return turns


def _ask(ticket: str) -> bool:
    """Asks for the next slice; answers whether that could be done. Until it could, this one goes on."""
    try:
        wake(ticket)
    except RedisError as fault:
        log.warning("The next slice could not be asked for: %s", fault)
        return False
    return True


def _give_up(chain: Chain, fault: Exception) -> None:
    """The database went away, or refused something that a new tenure reads anew."""
    if not (is_outage(fault) or isinstance(fault, psycopg.Error)):
        log.exception("The host begins anew after a fault")
    else:
        log.warning("The host lost the database, trying again: %s", fault)
    chain.host.lose()
    connection.close()
    drain.wait(AFTER_FAULT_S)
