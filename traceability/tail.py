"""The one reader of the ledger in each process: every committed entry once, none skipped, in the order of their ids.

Ids and transaction ids do not tell the order of commits, so "id greater than the last" loses entries. The tail's
cursor is the database snapshot of its last read: the next read takes what was not visible in that snapshot, which
is every row of a transaction that was then in progress or not yet begun. A NOTIFY wakes it; without one it reads
twice a second.

What was read is held until it is settled: until every transaction that was writing when its id was seen has ended, so
that no lower id can ever come after it. Such a transaction is known by its lock on the ledger's table, which it takes
before it draws an id and keeps until its rows are visible. The database lets none live long (migration 0003); however
long it lives, the tail waits for it. Decision 0007 tells why.
"""

import asyncio
import heapq
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

import psycopg
from psycopg.rows import dict_row

from traceability import hints, snapshots, told
from traceability.snapshots import Connection
from traceability.told import Told

FALLBACK_S = 0.5
RETRY_S = 1.0
HOLD_PAUSE_S = 0.01
LONG_HOLD_S = 5.0
AT_ONCE = 100
"""Entries that are handed over before the readers get a turn to send them."""

MOST_HELD = 20_000
"""Entries that may wait for a slow transaction; beyond that the readers are told to begin anew."""

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who hears what is told. Both are called by the tail's task and must not wait."""

    def hear(self, batch: list[Told]) -> None:
        """Entries in the order of ids, each once."""

    def lose(self, settled: int) -> None:
        """Entries up to this id may never be told; those above will be."""


@dataclass
class Mark:
    """Ids up to `newest` are settled when the writers seen after it was read have ended."""

    newest: int
    writers: set[str]
    since: float = field(default_factory=time.monotonic)

    def complain(self) -> None:
        """Says, once, that somebody holds the stream up."""
        if time.monotonic() - self.since > LONG_HOLD_S:
            self.since = float("inf")
            who = ", ".join(sorted(self.writers))
            log.warning("The live stream waits for a transaction that keeps its entries (process, id): %s", who)


class Tail:
    """Reads the ledger for this process and hands each batch to every listener, in the order of ids.

    `ready` is set when `settled` holds the id up to which all is committed, or never will be; it only grows, but in a
    database that was restored, where every listener loses.
    """

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.watchers: set[Callable[[str], None]] = set()
        self.settled = 0
        self.held: dict[int, Told] = {}
        self.mark: Mark | None = None
        self.lost = False
        self.task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.cursor: str | None = None
        self.home = ""

    def start(self) -> None:
        """Starts reading from now on; a second call does nothing, unless the first one's reading has ended."""
        if self.task is None or self.task.done():
            self.ready.clear()
            self.cursor, self.lost = None, self.task is not None
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
                    await held.execute(f"LISTEN {hints.PAGES}")
                    await self._begin(held)
                    await self._follow(held)
            except psycopg.Error as lost:
                log.warning("The tail lost the database, trying again: %s", lost)
                await asyncio.sleep(RETRY_S)

    async def _begin(self, held: Connection) -> None:
        """Where to read on: after an outage where it stopped; from now on at first, and in another database."""
        await held.execute("SELECT traceability_rebase()")
        home = await snapshots.home(held)
        self.mark = None
        if self.cursor is None or home != self.home:
            self.lost = self.lost or self.cursor is not None
            self.ready.clear()
            self.cursor, self.home = (await snapshots.row(held, snapshots.PRESENT))["cursor"], home
            self.held, self.settled = {}, 0

    async def _follow(self, held: Connection) -> None:
        while True:
            await self._look(held)
            assert self.mark is not None
            await self._read(held, self.mark)
            if self.mark and not self.mark.writers:
                await self._settle(self.mark.newest)
                self.mark = None
                self.ready.set()
            if self.mark:
                self.mark.complain()
                await self._wait(held, HOLD_PAUSE_S)
            elif not self.held:
                await self._wait(held, FALLBACK_S)

    async def _look(self, held: Connection) -> None:
        """Sets a mark, or strikes the writers that have ended from it."""
        seen = await snapshots.row(held, snapshots.LOOK)
        if self.mark is None:
            self.mark = Mark(max(seen["newest"], self.settled), set(seen["writers"]))
        else:
            self.mark.writers &= set(seen["writers"])

    async def _read(self, held: Connection, mark: Mark) -> None:
        """Takes what became visible since the last read; the cursor moves when all of it was taken."""
        cursor = self.cursor
        async for page in snapshots.pages(held, self.cursor):
            cursor = page[0]["cursor"]
            self.held.update({row["id"]: told.told(row) for row in page if row["id"] and row["id"] > self.settled})
            if len(self.held) > MOST_HELD:
                self.held, self.lost, self.mark = {}, True, None
            elif not (self.lost or mark.writers):
                await self._settle(min(mark.newest, page[-1]["id"] or mark.newest))
        self.cursor = cursor

    async def _settle(self, upto: int) -> None:
        """Hands over what is held up to an id, some at a time: nothing lower will ever come."""
        if self.lost:
            self.held = {pk: each for pk, each in self.held.items() if pk > upto}
            self.settled, self.lost = upto, False
            for each in list(self.listeners):
                each.lose(upto)
        while due := heapq.nsmallest(AT_ONCE, (pk for pk in self.held if pk <= upto)):
            batch = [self.held.pop(pk) for pk in due]
            self.settled = due[-1]
            for each in list(self.listeners):
                each.hear(batch)
            await asyncio.sleep(0)
        self.settled = max(self.settled, upto)

    async def _wait(self, held: Connection, patience_s: float) -> None:
        """Returns at the next hint that the ledger grew, or after so many seconds without one."""
        end = time.monotonic() + patience_s
        while (left := end - time.monotonic()) > 0:
            heard = [each async for each in held.notifies(timeout=left, stop_after=1)]
            for each in heard:
                if each.channel == hints.CHANNEL:
                    return
                for watch in list(self.watchers):
                    watch(each.payload)


_tails: WeakKeyDictionary[asyncio.AbstractEventLoop, Tail] = WeakKeyDictionary()


def tail() -> Tail:
    """This event loop's tail, started."""
    found = _tails.setdefault(asyncio.get_running_loop(), Tail())
    found.start()
    return found
