"""django-q2's queue in the database, taken with one statement and woken by a notification.

The same table and messages as its own ORM broker, which needs two statements and 100 ms on average to see a new
message, and stops for 10 s after each fault of the database.
"""

import logging
import time
from datetime import timedelta
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from redis.exceptions import RedisError

from missions.supervision import presence, pulse

CHANNEL = "coordinator_queue"
AFTER_FAULT_S = 0.5
FAULTS = (DatabaseError, psycopg.Error, RedisError)
LOST = "The queue %s is out of reach and is tried until it is back: %s"
log = logging.getLogger(__name__)

TAKE = """
UPDATE django_q_ormq SET lock = %(until)s WHERE id = (
    SELECT id FROM django_q_ormq WHERE key = %(queue)s AND lock <= %(now)s
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""


class Watched:
    """What the pusher and the guard of a cluster ask of every broker of ours: it says that it lives, and never stops.

    A mixin for a broker of django-q2, whose `dequeue` becomes the look for messages.
    """

    list_key: str
    away = False

    def dequeue(self) -> Any:
        """The next messages, waiting for them up to the poll interval."""
        try:
            found = self.look()
        except FAULTS as fault:
            log.log(logging.DEBUG if self.away else logging.WARNING, LOST, self.list_key, fault)
            self.away = True
            self.forget()
            pulse.looked(answered=False)
            time.sleep(AFTER_FAULT_S)
            return None
        self.away = False
        pulse.looked(answered=True)
        return found

    def look(self) -> Any:
        return super().dequeue()  # type: ignore[misc]

    def forget(self) -> None:
        """Gives up connections that may be broken."""
        connection.close()

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Called by the cluster's guard twice a second; what others need to know of it is that it lives."""
        if not presence.is_of_hosts(Conf.CLUSTER_NAME):  # there the host itself tells that it works
            try:
                presence.beat(str(Conf.CLUSTER_NAME), now=timezone.now())
            except DatabaseError:  # a broken connection would stay broken: the guard opens no request that renews it
                connection.close()


class Plain(Watched, ORM):  # type: ignore[misc]
    """django-q2's own ORM broker."""


class Broker(Watched, ORM):  # type: ignore[misc]
    """One queue, as its cluster's pusher and everybody who enqueues see it."""

    ears: psycopg.Connection | None = None

    def enqueue(self, task: str) -> int:
        """Adds a message and, once that is committed, wakes whoever waits for one."""
        pk: int = super().enqueue(task)
        transaction.on_commit(self._call, robust=True)
        return pk

    def look(self) -> list[tuple[int, str]] | None:
        if found := self._take():
            return found
        self._listen()
        return None

    def forget(self) -> None:
        super().forget()
        self.ears = None

    def _take(self) -> list[tuple[int, str]]:
        now = timezone.now()
        wanted: dict[str, Any] = {"queue": self.list_key, "now": now, "until": now + timedelta(seconds=Conf.RETRY)}
        self.get_connection()
        with connection.cursor() as cursor:
            cursor.execute(TAKE, wanted)
            found: list[tuple[int, str]] = cursor.fetchall()
        return found

    def _listen(self) -> None:
        """Returns at the next call, or after the poll interval. It hears on Django's own connection, which is idle."""
        held: psycopg.Connection = connection.connection
        if self.ears is not held:  # a message may have come before we heard of it: look again first
            held.execute(f"LISTEN {CHANNEL}")
            self.ears = held
            return
        for _ in held.notifies(timeout=Conf.POLL, stop_after=1):
            pass

    def _call(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
