"""django-q2's queue in the database, taken with one statement and woken by a notification.

The same table and messages as its own ORM broker, which needs two statements and 100 ms on average to see a new
message, and stops for 10 s after each fault of the database.
"""

import logging
import time
from datetime import timedelta

import psycopg
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from missions.supervision import presence
from traceability import hints

CHANNEL = "coordinator_queue"
AFTER_FAULT_S = 0.5
LOST = "The queue %s lost the database and tries until it is back: %s"
log = logging.getLogger(__name__)

TAKE = """
UPDATE django_q_ormq SET lock = %(until)s WHERE id = (
    SELECT id FROM django_q_ormq WHERE key = %(queue)s AND lock <= %(now)s
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""


class Broker(ORM):  # type: ignore[misc]
    """One queue, as its cluster's pusher and everybody who enqueues see it."""

    ears: psycopg.Connection | None = None
    away = False

    def enqueue(self, task: str) -> int:
        """Adds a message and, once that is committed, wakes whoever waits for one."""
        pk: int = super().enqueue(task)
        transaction.on_commit(self._call, robust=True)
        return pk

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The next message, waiting for it up to the poll interval."""
        try:
            if found := self._take():
                return found
            self._listen()
            self.away = False
        except (DatabaseError, psycopg.Error) as fault:
            log.log(logging.DEBUG if self.away else logging.WARNING, LOST, self.list_key, fault)
            self.away = True
            self._forget()
            time.sleep(AFTER_FAULT_S)
        return None

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Called by the cluster's guard twice a second; what others need to know of it is that it lives."""
        if self.list_key != presence.HOSTS:  # there the slice itself tells that it works
            try:
                presence.beat(str(self.list_key), now=timezone.now())
            except DatabaseError:  # a broken connection would stay broken: the guard opens no request that renews it
                connection.close()

    def _take(self) -> list[tuple[int, str]]:
        now = timezone.now()
        wanted = {"queue": self.list_key, "now": now, "until": now + timedelta(seconds=Conf.RETRY)}
        self.get_connection()
        with connection.cursor() as cursor:
            cursor.execute(TAKE, wanted)
            found: list[tuple[int, str]] = cursor.fetchall()
        return found

    def _listen(self) -> None:
        """Returns at the next call, or after the poll interval."""
        if self.ears is None:
            self.ears = hints.connect()
            self.ears.execute(f"LISTEN {CHANNEL}")
            return
        for _ in self.ears.notifies(timeout=Conf.POLL, stop_after=1):
            pass

    def _call(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")

    def _forget(self) -> None:
        connection.close()
        if self.ears is not None:
            self.ears.close()
        self.ears = None
