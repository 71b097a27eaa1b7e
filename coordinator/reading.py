"""One reader of the live stream, whatever carries it: what it follows, from where on, and what waits for it."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.auth import Credential
from coordinator import catching_up, presence
from coordinator.lib.errors import Missing, TooMany
from traceability import topics
from traceability.tail import tail
from traceability.told import Told

LARGEST_BACKLOG = 1000
"""Entries that may wait for a reader; beyond that it gets `reset` and must read the state anew."""

AT_ONCE = 50
"""Lines that are made before the first of them is sent."""

MOST_TOPICS = 100
"""Topics that a reader may name at a time; it may follow ten times as many."""

MOST_ASKED = 10


class Line(NamedTuple):
    """One message as JSON. Who comes back with `id` gets everything after it; without an id it changes nothing."""

    text: str
    id: int | None = None


@dataclass(frozen=True)
class Followed:
    """A topic's name as the reader gave it, and the id after which its entries are told."""

    name: str
    after: int


@dataclass(frozen=True)
class Asked:
    """Topics to follow from now on, or from an id on: canonical topic to name."""

    topics: dict[str, str]
    after: int | None


class Reader:
    """Gets every entry of its topics once, in the order of ids: what the ledger holds, then what the tail tells.

    `lines` is the only one that moves it; `hear`, `lose`, `show` and `follow` leave something for it to do.
    """

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.key = (credential.token_id, credential.session_id)
        self.known = {
            ("account", credential.user.pk),
            ("token", credential.token_id),
            ("session", credential.session_id),
        }
        self.topics: dict[str, Followed] = {}
        self.waiting: deque[Told] = deque()
        self.asked: deque[Asked] = deque()
        self.signs: dict[str, dict[str, str]] = {}
        self.joined = False
        self.doubted = False
        self.overrun_at: int | None = None
        self.lost_at: int | None = None
        self.heard = 0
        self.news = asyncio.Event()

    async def join(self) -> None:
        """Begins to hear the tail. Raises TooMany when the credential holds as many streams as it may."""
        self.tail = tail()
        await self.tail.ready.wait()
        if OPEN[self.key] >= settings.STREAMS_PER_CREDENTIAL:
            raise TooMany(f"This credential holds {OPEN[self.key]} live streams already; close one.")
        OPEN[self.key] += 1
        self.joined = True
        self.heard = self.tail.settled
        self.tail.listeners.add(self)

    def leave(self) -> None:
        """Hears no more; for who has not joined it does nothing."""
        if not self.joined:
            return
        self.joined = False
        self.tail.listeners.discard(self)
        if topics.SIGNS.keys() & self.topics.keys():
            presence.lights().readers.discard(self)
        OPEN[self.key] -= 1
        if not OPEN[self.key]:
            del OPEN[self.key]

    async def follow(self, names: list[Any], after: int | None = None) -> None:
        """Adds topics; with `after`, first comes what was told since that id.

        Raises Malformed, NotAllowed, Missing, TooMany.
        """
        if len(names) > MOST_TOPICS or len(self.topics) + len(names) > 10 * MOST_TOPICS:
            raise TooMany(f"Name at most {MOST_TOPICS} topics at a time, and {10 * MOST_TOPICS} in all.")
        if len(self.asked) >= MOST_ASKED:
            raise TooMany("Wait for the answer to the topics that you named before.")
        resolved = await database_sync_to_async(catching_up.resolve)(catching_up.checked(names, self.credential.scopes))
        if missing := [name for name in names if name not in resolved]:
            raise Missing(f"There is no {missing[0]!r}.")
        self.asked.append(Asked({topic: name for name, topic in resolved.items()}, after))
        self.news.set()

    async def renew(self) -> bool:
        """Goes on with the scopes that the credential has now; False when it has ended."""
        self.doubted = False
        found = await database_sync_to_async(self.credential.renewed)()
        self.credential = found or self.credential
        return found is not None

    def hear(self, batch: list[Told]) -> None:
        """Keeps what this reader follows, within bounds, and notes what may have changed its access."""
        self.heard = batch[-1].id
        for each in batch:
            if each.subject in self.known:
                self.doubted = True
            if self._name_of(each):
                self.waiting.append(each)
        if len(self.waiting) > LARGEST_BACKLOG:
            self.waiting.clear()
            self.overrun_at = self.heard
        if self._has_work():
            self.news.set()

    def lose(self, settled: int) -> None:
        """The ledger was replaced, or some of it was never read: from this id on all is told."""
        self.waiting.clear()
        self.heard = self.lost_at = settled
        self._forget(settled)
        self.news.set()

    def show(self, signs: Mapping[str, Mapping[str, str]]) -> None:
        """When agents and runs were last heard of; told when nothing else waits, the newest only."""
        for topic, heard in signs.items():
            if heard and topic in self.topics:
                self.signs.setdefault(topic, {}).update(heard)
                self.news.set()

    async def lines(self) -> AsyncIterator[list[Line]]:
        """What to say to the reader, some lines at a time, until its credential has ended."""
        while True:
            await self.news.wait()
            self.news.clear()
            while self._has_work():
                if self.doubted and not await self.renew():
                    return
                if self.asked and not self.waiting and self._gap() is None:
                    async for lines in self._begin(self.asked.popleft()):
                        yield lines
                else:
                    yield self._next()

    def _has_work(self) -> bool:
        return bool(self.doubted or self.waiting or self.asked or self.signs or self._gap() is not None)

    def _gap(self) -> int | None:
        """The id up to which something was not told and never will be; None while there is none."""
        return self.overrun_at if self.lost_at is None else self.lost_at

    def _next(self) -> list[Line]:
        if (gap := self._gap()) is not None:
            self.overrun_at = self.lost_at = None
            self._forget(gap)
            return [_event("reset", gap)]
        if self.waiting:
            return self._lines_of([self.waiting.popleft() for _ in range(min(AT_ONCE, len(self.waiting)))])
        signs, self.signs = self.signs, {}
        shown = {topic: heard for topic, heard in signs.items() if topics.SCOPES[topic] in self.credential.scopes}
        return [_event(topic, data={topics.SIGNS[topic]: heard}) for topic, heard in shown.items()]

    async def _begin(self, asked: Asked) -> AsyncIterator[list[Line]]:
        """Follows new topics. Nothing waits now, so all up to `heard` was said already or comes from the ledger."""
        before, upto = dict(self.topics), self.heard
        since = upto if asked.after is None else asked.after
        self._add(asked, since, before)
        yield [_event("subscribed", since, topics=sorted(each.name for each in self.topics.values()))]
        if asked.after is not None and not await _reaches(since, upto):
            since = upto
            self._add(asked, since, before)
            yield [_event("reset", since)]
        async for page in catching_up.missed(since, upto, frozenset(asked.topics)):
            yield self._lines_of([each for each in page if not _followed(before, each)])
        if asked.after is not None and since < upto and not await _reaches(since, upto):
            yield [_event("reset", upto)]  # entries were archived while they were read
        async for lines in self._go_on(upto):
            yield lines

    def _forget(self, gap: int) -> None:
        """What was told up to here counts for nothing: who asks for it again gets it again."""
        self.topics = {topic: Followed(each.name, gap) for topic, each in self.topics.items()}

    def _add(self, asked: Asked, since: int, before: Mapping[str, Followed]) -> None:
        for topic, name in asked.topics.items():
            held = before.get(topic)
            self.topics[topic] = Followed(name, min(since, held.after) if held else since)
        if topics.SIGNS.keys() & asked.topics.keys():
            presence.lights().readers.add(self)

    async def _go_on(self, upto: int) -> AsyncIterator[list[Line]]:
        """Reads from the ledger what was too much to wait while the reader caught up."""
        while self.overrun_at is not None and self.lost_at is None:
            self.overrun_at, done, upto = None, upto, self.heard
            self.waiting.clear()
            async for page in catching_up.missed(done, upto, frozenset(self.topics)):
                yield self._lines_of(page)

    def _lines_of(self, entries: list[Told]) -> list[Line]:
        named = ((each, self._name_of(each)) for each in entries)
        return [Line(each.text(name), each.id) for each, name in named if name]

    def _name_of(self, each: Told) -> str | None:
        """The name by which this reader follows the entry's most particular topic, if it may read it."""
        return _followed(self.topics, each) if each.scope in self.credential.scopes else None


OPEN: Counter[tuple[int | None, int | None]] = Counter()
"""How many live streams each token or session holds open in this process."""


def _followed(followed: dict[str, Followed], each: Told) -> str | None:
    for topic in each.topics:
        found = followed.get(topic)
        if found is not None and found.after < each.id:
            return found.name
    return None


async def _reaches(after: int, upto: int) -> bool:
    return bool(await database_sync_to_async(catching_up.reaches)(after, upto))


def _event(event: str, identity: int | None = None, **more: Any) -> Line:
    return Line(orjson.dumps({"event": event, **more}).decode(), identity)
