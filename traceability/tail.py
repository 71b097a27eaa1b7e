"""The one reader of the ledger in each process: every committed entry once, none skipped, in the order of their ids.

Ids and transaction ids do not tell the order of commits, so "id greater than the last" loses entries. The tail's
cursor is the database snapshot of its last read: the next read takes what was not visible in that snapshot, which
is every row of a transaction that was then in progress or not yet begun. A NOTIFY wakes it; without one it reads
twice a second.

What was read is held until it is settled: until every transaction that was writing when its id was seen has ended, so
that no lower id can come after it. Such a transaction is known by its lock on the ledger's table, which it takes before
it draws an id and keeps until its rows are visible. A writer who takes longer than `LONGEST_HOLD_S` is waited for no
more; its entries then come late, with ids below `settled`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from traceability import canonical, hints
from traceability.topics import topics_of

FALLBACK_S = 0.5
RETRY_S = 1.0
HOLD_PAUSE_S = 0.01
LONGEST_HOLD_S = 5.0
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
NEWEST = "SELECT coalesce(max(id), 0) AS newest FROM traceability_entry"
WRITERS = """
SELECT virtualtransaction AS writer FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = 'traceability_entry'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
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
Connection = psycopg.AsyncConnection[dict[str, Any]]


@dataclass
class Mark:
    """Ids up to `newest` are settled when the writers seen after it was read have ended."""

    newest: int
    writers: set[str]
    since: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        return not self.writers or time.monotonic() - self.since > LONGEST_HOLD_S


class Tail:
    """Reads the ledger for this process and hands each batch to every reader, in the order of ids.

    `ready` is set when `settled` holds the id up to which all is committed, or never will be; it only grows.
    """

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.settled = 0
        self.newest = 0
        self.held: list[Told] = []
        self.mark: Mark | None = None
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
                    await self._begin(held)
                    await self._follow(held)
            except psycopg.Error as lost:
                log.warning("The tail lost the database, trying again: %s", lost)
                await asyncio.sleep(RETRY_S)

    async def _begin(self, held: Connection) -> None:
        """Where to read on: after an outage where it stopped; from now on at first, and in a restored database."""
        self.mark = None
        cursor = str(await _one(held, START, "cursor", cursor=self.cursor))
        if cursor != self.cursor:
            self.ready.clear()
            self.cursor, self.held, self.settled = cursor, [], 0
            self.newest = await _one(held, NEWEST, "newest")

    async def _follow(self, held: Connection) -> None:
        while True:
            await self._read(held)
            if self.mark and self.mark.over:
                self._settle(self.mark)
            await self._look_for_writers(held)
            if self.mark is None:
                self.ready.set()
                await _woken(held, FALLBACK_S)
            elif self.mark.writers:
                await _woken(held, HOLD_PAUSE_S)

    async def _read(self, held: Connection) -> None:
        found = await (await held.execute(NEWS, {"cursor": self.cursor})).fetchall()
        self.cursor = found[0]["cursor"]
        batch = [told(row) for row in found if row["id"] is not None]
        self.held += batch
        self.newest = max([self.newest, *(each.id for each in batch)])

    async def _look_for_writers(self, held: Connection) -> None:
        """Strikes the writers that have ended from the mark, or sets a mark when something is not settled."""
        if self.mark is None and not self.held and self.newest == self.settled:
            return
        writers = {row["writer"] for row in await (await held.execute(WRITERS)).fetchall()}
        if self.mark is None:
            self.mark = Mark(self.newest, writers)
        else:
            self.mark.writers &= writers

    def _settle(self, mark: Mark) -> None:
        if mark.writers:
            log.warning("A transaction has kept its entries from the live stream for %s s.", LONGEST_HOLD_S)
        self.mark, self.settled = None, max(self.settled, mark.newest)
        batch = sorted((each for each in self.held if each.id <= self.settled), key=lambda each: each.id)
        self.held = [each for each in self.held if each.id > self.settled]
        if batch:
            for reader in list(self.readers):
                reader(batch)


async def _one(held: Connection, statement: str, column: str, **given: Any) -> Any:
    row = await (await held.execute(statement, given)).fetchone()
    assert row is not None
    return row[column]


async def _woken(held: Connection, patience_s: float) -> None:
    """Returns at the next hint, or after so many seconds without one."""
    with contextlib.suppress(StopAsyncIteration):
        async for _ in held.notifies(timeout=patience_s, stop_after=1):
            return


_tails: dict[int, Tail] = {}


def tail() -> Tail:
    """This event loop's tail, started."""
    loop = asyncio.get_running_loop()
    found = _tails.setdefault(id(loop), Tail())
    found.start()
    return found
