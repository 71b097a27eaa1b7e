"""The statements by which the tail reads: what is new since a snapshot, who is writing, and which database this is."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg

from traceability import told

PAGE = 1000
Connection = psycopg.AsyncConnection[dict[str, Any]]


def news(columns: str, where: str = "true") -> str:
    """The statement for what became visible since the snapshot `%(cursor)s`, in the order of ids, and the present one.

    Its rows are the cursor to go on with and the columns; one row of nulls when there is nothing new.
    Those who were writing at the snapshot are looked up in the index, one by one: as a join it would read all entries.
    """
    return f"""
WITH present AS (SELECT pg_current_snapshot() AS snap)
SELECT present.snap::text AS cursor, news.* FROM present LEFT JOIN LATERAL (
    SELECT {columns} FROM traceability_entry WHERE xid >= pg_snapshot_xmax(%(cursor)s::pg_snapshot) AND {where}
    UNION ALL
    SELECT {columns} FROM traceability_entry
    WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip(%(cursor)s::pg_snapshot))) AND {where}
) AS news ON true
ORDER BY news.id
"""


NEWS = news(", ".join(told.COLUMNS))
LOOK = """
WITH locks AS MATERIALIZED (SELECT * FROM pg_locks)
SELECT (SELECT coalesce(max(id), 0) FROM traceability_entry) AS newest, ARRAY(
    SELECT concat_ws(' ', pid, virtualtransaction) FROM locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = 'traceability_entry'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND virtualtransaction IN (SELECT virtualtransaction FROM locks WHERE locktype = 'transactionid' AND granted)
) AS writers
"""
"""The newest visible id, and then, for locks are read after the snapshot was taken, who is writing.

Who has no transaction id yet has drawn no id of an entry either; one drawn later is higher than all before."""

PRESENT = "SELECT pg_current_snapshot()::text AS cursor"

HOME = """
SELECT concat_ws('/', system_identifier, timeline_id, oid) AS home
FROM pg_control_system(), pg_control_checkpoint(), pg_database WHERE datname = current_database()
"""
"""Transaction ids mean something in this one database on this one line of its history."""

NEIGHBOURHOOD = "SELECT oid::text AS home FROM pg_database WHERE datname = current_database()"
"""As much of it as a server says that keeps the rest from us."""


async def row(held: Connection, statement: str) -> dict[str, Any]:
    """The one row of a statement."""
    found = await (await held.execute(statement)).fetchone()
    assert found is not None
    return found


async def home(held: Connection) -> str:
    """What tells this database from every other in which the same transaction ids mean something else."""
    try:
        return str((await row(held, HOME))["home"])
    except psycopg.errors.InsufficientPrivilege:
        return str((await row(held, NEIGHBOURHOOD))["home"])


async def pages(held: Connection, cursor: str | None) -> AsyncIterator[list[dict[str, Any]]]:
    """What became visible, ids ascending. More than a page is read again row by row, so that little is in memory."""
    asked = {"cursor": cursor}
    found = await (await held.execute(f"{NEWS} LIMIT {PAGE + 1}", asked)).fetchall()
    if len(found) <= PAGE:
        yield found
        return
    page: list[dict[str, Any]] = []
    async with held.cursor() as rows:
        async for each in rows.stream(NEWS, asked):
            page.append(each)
            if len(page) == PAGE:
                yield page
                page = []
    if page:
        yield page
