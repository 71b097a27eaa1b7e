"""One incarnation of a host: its row, the certificate that a connection of its own holds, and what it hears there."""

import os
import time
from contextlib import suppress
from typing import Self

import psycopg
from django.conf import settings

from missions.services import hosts
from missions.services.hosting import Owner
from missions.supervision.feed import Feed
from traceability import hints

BEAT_S = 1.5
LEADER = "SELECT pg_try_advisory_lock(hashtext('missions.leader'))"


class Fenced(RuntimeError):
    """This host was declared dead: nothing is its own any more."""


class Tenure:
    """Ends with its connection: the database gives the certificate, and the lead if it has it, to others then."""

    def __init__(self, held: psycopg.Connection, owner: Owner) -> None:
        self.held, self.owner, self.feed = held, owner, Feed(held)
        self.leads, self.renewed_at = False, time.monotonic()

    @classmethod
    def begin(cls, machine: str) -> Self:
        """A new incarnation. Raises psycopg.Error."""
        held = hints.connect()
        try:
            version = str(settings.SPECTACULAR_SETTINGS["VERSION"])
            made = hosts.register(held, machine=machine, pid=os.getpid(), version=version)
            held.execute(f"LISTEN {hints.CHANNEL}")
            return cls(held, Owner(made, machine))
        except psycopg.Error:
            held.close()
            raise

    def renew(self, *, missions: int, applied: int, lag_s: float) -> None:
        """Moves the lease's end. Raises Fenced."""
        if not hosts.renew(self.owner.id, missions=missions, applied=applied, lag_ms=lag_s * 1000):
            raise Fenced(Fenced.__doc__)
        self.renewed_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the lease is to be renewed."""
        return time.monotonic() - self.renewed_at >= BEAT_S

    def ask_to_lead(self) -> None:
        """Takes the lead when nobody has it: one host at a time does the chores of the whole installation."""
        if not self.leads:
            row = self.held.execute(LEADER).fetchone()
            self.leads = bool(row and row[0])

    def listen(self, patience_s: float) -> None:
        """Returns at the next hint that the ledger grew, or after so many seconds."""
        for _ in self.held.notifies(timeout=patience_s, stop_after=1):
            pass

    def end(self) -> None:
        with suppress(psycopg.Error):
            self.held.close()
