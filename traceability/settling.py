"""Up to which id the ledger is settled: all is committed, or never will be, so that nothing can come below it.

For readers in the order of ids that keep a place of their own and may wait: a job, a turn of the host. A writer takes
its lock on the ledger's table before it draws an id, and keeps it until its entries are visible.
"""

import time

from django.db import connection

PAUSE_S = 0.01
NEWEST = "SELECT coalesce(max(id), 0) FROM traceability_entry"
WRITERS = """
WITH locks AS MATERIALIZED (SELECT * FROM pg_locks)
SELECT virtualtransaction FROM locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = 'traceability_entry'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
    AND virtualtransaction IN (SELECT virtualtransaction FROM locks WHERE locktype = 'transactionid' AND granted)
"""
"""Who has no transaction id yet has drawn no id of an entry either; one drawn later is higher than all before."""


def settled(*, patience_s: float) -> int | None:
    """The newest id, once every writer seen beside it has ended; None when one still writes after so many seconds."""
    newest, end = int(_column(NEWEST)[0]), time.monotonic() + patience_s
    writers = set(_column(WRITERS))
    while writers:
        if time.monotonic() >= end:
            return None
        time.sleep(PAUSE_S)
        writers &= set(_column(WRITERS))
    return newest


def _column(statement: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]
