"""Wake-ups for the readers of the ledger: a hint may be lost, the ledger is the truth.

One NOTIFY for each 20 ms of commits in this process, sent after the commit on a connection of its own: inside the
transaction it would serialise commits (40 to 85 percent fewer of them, measured).
"""

import logging
import os
import threading
import time
from typing import Any

import psycopg
from django.db import connections

CHANNEL = "coordinator_ledger"
PAUSE_S = 0.02
log = logging.getLogger(__name__)


class Sender:
    """A daemon thread that turns any number of calls into one NOTIFY each 20 ms."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.stopped = False
        self.wanted = threading.Event()
        self.thread = threading.Thread(target=self._run, name="ledger-hints", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        held: psycopg.Connection | None = None
        while not self.stopped:
            self.wanted.wait()
            self.wanted.clear()
            try:
                held = held if held and not held.closed else connect()
                held.execute(f"NOTIFY {CHANNEL}")
            except psycopg.Error as lost:
                log.info("A wake-up was lost: %s", lost)
                held = None
            time.sleep(PAUSE_S)
        if held is not None:
            held.close()


def connect() -> psycopg.Connection:
    """A connection of its own to the default database, outside the pool."""
    return psycopg.connect(**parameters(), autocommit=True)


def parameters() -> dict[str, Any]:
    """The connection parameters of the default database, for psycopg."""
    given = connections["default"].get_connection_params()
    return {name: value for name, value in given.items() if name not in {"pool", "cursor_factory", "context"}}


_sender: Sender | None = None
_lock = threading.Lock()


def send() -> None:
    """Asks for a wake-up; returns at once. A forked child gets a sender of its own."""
    global _sender
    with _lock:
        if _sender is None or _sender.pid != os.getpid():
            _sender = Sender()
    _sender.wanted.set()


def forget() -> None:
    """Ends the sender; the next wake-up makes a new one, which connects to the database of that moment."""
    global _sender
    with _lock:
        if _sender is not None:
            _sender.stopped = True
            _sender.wanted.set()
        _sender = None
