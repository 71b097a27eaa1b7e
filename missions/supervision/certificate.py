"""The certificate of life of a running attempt: an advisory lock on a connection of its own."""

import logging

import psycopg
from django.db import OperationalError

from missions.services.running import CERTIFICATE
from traceability import hints

TRY = f"SELECT pg_try_advisory_lock({CERTIFICATE})"
log = logging.getLogger(__name__)


class Certificate:
    """Held by whoever works on an attempt (`running.certificate_of`); nobody else can hold it meanwhile."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection: psycopg.Connection | None = None

    def held(self) -> bool:
        """Whether it is ours now; taken when it is free, also after the database was away. Raises OperationalError."""
        try:
            if self.connection is not None:
                self.connection.execute("SELECT 1")
                return True
            fresh = hints.connect()
            row = fresh.execute(TRY, [self.name]).fetchone()
            if row is None or not row[0]:
                fresh.close()
                return False
            self.connection = fresh
        except psycopg.OperationalError as fault:
            self.close()
            raise OperationalError(str(fault)) from fault
        return True

    def close(self) -> None:
        """Gives it back."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None
