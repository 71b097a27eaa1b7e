"""The one reader of the ledger in each process: every committed entry once, and none skipped.

Ids and transaction ids do not tell the order of commits, so "id greater than the last" loses entries. The tail's
cursor is the database snapshot of its last read: the next read takes what was not visible in that snapshot, which
is every row of a transaction that was then in progress or not yet begun. A NOTIFY wakes it; without one it reads
twice a second.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from traceability import canonical, hints
from traceability.topics import topics_of

FALLBACK_S = 0.5
RETRY_S = 1.0
log = logging.getLogger(__name__)

COLUMNS = "id, stream, seq, kind, mission_id, task_id, agent_id, recorded_at, canonical"
NEWS = f"""
WITH present AS (SELECT pg_current_snapshot() AS snap)
SELECT present.snap::text AS cursor, news.* FROM present LEFT JOIN LATERAL (
    SELECT {COLUMNS} FROM traceability_entry WHERE xid >= pg_snapshot_xmax(%(cursor)s::pg_snapshot)
    UNION ALL
    SELECT {COLUMNS} FROM traceability_entry
    WHERE xid IN (SELECT pg_snapshot_xip(%(cursor)s::pg_snapshot))
) AS news ON true
ORDER BY news.id
"""
START = """
SELECT CASE WHEN pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(%(cursor)s::text::pg_snapshot)
    THEN %(cursor)s::text ELSE pg_current_snapshot()::text END AS cursor
"""


@dataclass(frozen=True)
class Told:
    """One entry as its readers get it."""

    id: int
    kind: str
    topics: tuple[str, ...]
    at: datetime
    canonical: str

    def frame(self, topic: str) -> dict[str, Any]:
        """The contract's frame: `{"id", "topic", "event", "at", "data"}`."""
        read = canonical.read(self.canonical)
        data = {
            **read["data"],
            **{noun: ref["key"] for noun, ref in read["refs"].items()},
            "actor": read["actor"]["name"],
        }
        at = self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"id": self.id, "topic": topic, "event": self.kind, "at": at, "data": data}


def told(row: dict[str, Any]) -> Told:
    topics = topics_of(row["kind"], mission=row["mission_id"], task=row["task_id"], agent=row["agent_id"])
    return Told(row["id"], row["kind"], topics, row["recorded_at"], row["canonical"])


Reader = Callable[[list[Told]], None]


class Tail:
    """Reads the ledger for this process and hands each batch to every reader, in the order of commit."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.cursor: str | None = None

    def start(self) -> None:
        """Starts reading from now on; a second call does nothing."""
        if self.task is None or self.task.done():
            self.ready.clear()
            self.cursor = None
            self.task = asyncio.create_task(self._run(), name="ledger-tail")

    async def _run(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **hints.parameters(),
                    autocommit=True,
                    row_factory=dict_row,
                ) as held:
                    await held.execute(f"LISTEN {hints.CHANNEL}")
                    self.cursor = await _start(held, self.cursor)
                    self.ready.set()
                    await self._follow(held)
            except psycopg.Error as lost:
                log.warning("The tail lost the database, trying again: %s", lost)
                await asyncio.sleep(RETRY_S)

    async def _follow(self, held: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        while True:
            found = await (await held.execute(NEWS, {"cursor": self.cursor})).fetchall()
            self.cursor = found[0]["cursor"]
            if batch := [told(row) for row in found if row["id"] is not None]:
                for reader in list(self.readers):
                    reader(batch)
            await _woken(held)


async def _start(held: psycopg.AsyncConnection[dict[str, Any]], cursor: str | None) -> str:
    """Where to read on: after an outage where it stopped; from now on at first, and in a restored database."""
    row = await (await held.execute(START, {"cursor": cursor})).fetchone()
    assert row is not None
    return str(row["cursor"])


async def _woken(held: psycopg.AsyncConnection[dict[str, Any]]) -> None:
    """Returns at the next hint, or after half a second without one."""
    with contextlib.suppress(StopAsyncIteration):
        async for _ in held.notifies(timeout=FALLBACK_S, stop_after=1):
            return


_tails: dict[int, Tail] = {}


def tail() -> Tail:
    """This event loop's tail, started."""
    loop = asyncio.get_running_loop()
    found = _tails.setdefault(id(loop), Tail())
    found.start()
    return found
