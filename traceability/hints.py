"""Wake-ups for the readers of the ledger, signs of life for open pages: a hint may be lost, the ledger is the truth.

One NOTIFY for each 20 ms of commits in this process, sent after the commit on a connection of its own: inside the
transaction it would serialise commits (40 to 85 percent fewer of them, measured). Signs of life are no history: the
agents heard of, and the tasks whose runs put something out, are named in one message a second, over Redis where there
is one, else by NOTIFY.
"""

import asyncio
import logging
import os
import threading
import time
from datetime import datetime
from typing import Any

import psycopg
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connections
from redis.exceptions import RedisError

from traceability import canonical

CHANNEL = "coordinator_ledger"
PAGES = "coordinator_pages"
GROUP = "pages"
"""The group of the channel layer that takes the place of `PAGES` where there is Redis."""

PAUSE_S = 0.02
SEEN_PAUSE_S = 1.0
LONGEST_PAYLOAD = 7500
"""Bytes of a message; PostgreSQL takes less than 8000."""

log = logging.getLogger(__name__)


class Sender:
    """A daemon thread that turns any number of calls into one message in so many seconds."""

    def __init__(self, name: str, pause_s: float, line: "Line") -> None:
        self.line, self.pause_s = line, pause_s
        self.pid = os.getpid()
        self.stopped = False
        self.wanted = threading.Event()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopped:
            self.wanted.wait()
            self.wanted.clear()
            if not self.stopped and self.line.tell():
                self.wanted.set()
            time.sleep(self.pause_s)
        self.line.close()

    def stop(self) -> None:
        self.stopped = True
        self.wanted.set()


class Line:
    """Wakes the readers of the ledger, on a connection of its own that is made anew when it was lost."""

    def __init__(self) -> None:
        self.held: psycopg.Connection | None = None

    def tell(self) -> bool:
        """Sends one message; whether another is to follow."""
        self.notify(CHANNEL)
        return False

    def notify(self, channel: str, payload: str = "") -> None:
        try:
            self.held = self.held if self.held and not self.held.closed else connect()
            self.held.execute("SELECT pg_notify(%s, %s)", [channel, payload])
        except psycopg.Error as lost:
            log.info("A hint was lost: %s", lost)
            self.held = None

    def close(self) -> None:
        if self.held is not None:
            self.held.close()


class Seen(Line):
    """The words of who was heard of since the last message, and when the last of them was."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[str, datetime] = {}
        self.lock = threading.Lock()
        self.runner = asyncio.Runner()

    def add(self, word: str, at: datetime) -> None:
        with self.lock:
            self.heard[word] = at

    def tell(self) -> bool:
        """Sends what fits into one message; whether something is left."""
        if payload := self._taken():
            if settings.REDIS_URL:
                self._publish(payload)
            else:
                self.notify(PAGES, payload)
        return bool(self.heard)

    def _taken(self) -> str:
        """`2026-11-24T12:00:00.000000Z 12 15 t17`, agents and tasks; nothing when nobody was heard of."""
        with self.lock:
            if not self.heard:
                return ""
            words, length = [canonical.moment(max(self.heard.values()))], 0
            while self.heard and length < LONGEST_PAYLOAD:
                words.append(self.heard.popitem()[0])
                length += len(words[-1]) + 1
        return " ".join(words)

    def _publish(self, payload: str) -> None:
        layer = get_channel_layer()
        try:
            self.runner.run(layer.group_send(GROUP, {"type": "page.hint", "payload": payload}))
        except (RedisError, OSError) as lost:
            log.info("A hint was lost: %s", lost)

    def close(self) -> None:
        self.runner.close()
        super().close()


def connect() -> psycopg.Connection:
    """A connection of its own to the default database, outside the pool."""
    return psycopg.connect(**parameters(), autocommit=True)


def parameters() -> dict[str, Any]:
    """The connection parameters of the default database, for psycopg."""
    given = connections["default"].get_connection_params()
    return {name: value for name, value in given.items() if name not in {"pool", "cursor_factory", "context"}}


_sender: Sender | None = None
_seer: tuple[Sender, Seen] | None = None
_lock = threading.Lock()


def send() -> None:
    """Asks for a wake-up; returns at once. A forked child gets a sender of its own."""
    global _sender
    with _lock:
        if _sender is None or _sender.pid != os.getpid():
            _sender = Sender("ledger-hints", PAUSE_S, Line())
    _sender.wanted.set()


def saw(agent_id: int, at: datetime) -> None:
    """Asks that open pages are told when an agent was heard of; returns at once."""
    _tell_pages(str(agent_id), at)


def wrote(task_id: int, at: datetime) -> None:
    """Asks that open pages are told that a run of the task put something out; returns at once."""
    _tell_pages(f"t{task_id}", at)


def _tell_pages(word: str, at: datetime) -> None:
    global _seer
    with _lock:
        if _seer is None or _seer[0].pid != os.getpid():
            seen = Seen()
            _seer = Sender("presence-hints", SEEN_PAUSE_S, seen), seen
    _seer[1].add(word, at)
    _seer[0].wanted.set()


def forget() -> None:
    """Ends the senders; the next hint makes a new one, which connects to the database of that moment."""
    global _sender, _seer
    with _lock:
        for each in (_sender, _seer and _seer[0]):
            if each is not None:
                each.stop()
        _sender = _seer = None
