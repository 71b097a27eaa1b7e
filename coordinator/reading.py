"""One reader of the live stream, whatever carries it: what it follows, from where on, and what waits for it."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Max, Q

from accounts.auth import Credential
from agents.models import Agent
from coordinator.lib.errors import Malformed, Missing, NotAllowed, TooMany
from missions.models import Mission, Task
from traceability import topics
from traceability.models import Entry
from traceability.tail import Told, tail, told

LARGEST_BACKLOG = 1000
"""Entries that may wait for a reader; beyond that it gets `reset` and must read the state anew."""

PAGE = 500
"""Entries that are read at a time for a reader who comes back."""

MOST_TOPICS = 100
"""Topics that a reader may name at a time; it may follow ten times as many."""

MOST_ASKED = 10
LONGEST_TOPIC = 110
RESET = {"event": "reset"}
TABLES: dict[str, Any] = {"mission": Mission, "task": Task, "agent": Agent}
COLUMNS = ("id", "kind", "mission_id", "task_id", "agent_id", "recorded_at", "canonical")
Frame = dict[str, Any]


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

    `frames` is the only one that moves it; `hear` and `follow` leave something for it to do.
    """

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.key = (credential.token_id, credential.session_id)
        self.topics: dict[str, Followed] = {}
        self.waiting: deque[Told] = deque()
        self.asked: deque[Asked] = deque()
        self.joined = False
        self.overrun = False
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
        self.tail.readers.add(self.hear)

    def leave(self) -> None:
        """Hears no more; for who has not joined it does nothing."""
        if not self.joined:
            return
        self.joined = False
        self.tail.readers.discard(self.hear)
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
        resolved = await database_sync_to_async(resolve)(checked(names, self.credential.scopes))
        if missing := [name for name in names if name not in resolved]:
            raise Missing(f"There is no {missing[0]!r}.")
        self.asked.append(Asked({topic: name for name, topic in resolved.items()}, after))
        self.news.set()

    def hear(self, batch: list[Told]) -> None:
        """Called by the tail: keeps what this reader follows, within bounds. An entry that comes late is an overrun."""
        late = batch[0].id <= self.heard
        self.heard = max(self.heard, batch[-1].id)
        self.waiting.extend(each for each in batch if self._topic_of(each))
        if late or len(self.waiting) > LARGEST_BACKLOG:
            self.waiting.clear()
            self.overrun = True
        if self.waiting or self.overrun:
            self.news.set()

    async def frames(self) -> AsyncIterator[Frame]:
        """What to say to the reader, without end."""
        while True:
            await self.news.wait()
            self.news.clear()
            while self.overrun or self.waiting or self.asked:
                if self.overrun:
                    self.overrun = False
                    yield RESET
                elif self.waiting:
                    for frame in self._frames_of(self.waiting.popleft()):
                        yield frame
                else:
                    async for frame in self._begin(self.asked.popleft()):
                        yield frame

    async def _begin(self, asked: Asked) -> AsyncIterator[Frame]:
        """Follows new topics. Nothing waits now, so all up to `heard` was said already or comes from the ledger."""
        before, upto = dict(self.topics), self.heard
        after = upto if asked.after is None else asked.after
        for topic, name in asked.topics.items():
            held = before.get(topic)
            self.topics[topic] = Followed(name, min(after, held.after) if held else after)
        yield {"event": "subscribed", "topics": sorted(each.name for each in self.topics.values())}
        if after > upto and after > await database_sync_to_async(newest)():
            self.topics.update({topic: Followed(name, upto) for topic, name in asked.topics.items()})
            yield RESET
        async for each in missed(after, upto, frozenset(asked.topics)):
            if not _topic_in(before, each):
                for frame in self._frames_of(each):
                    yield frame
        async for frame in self._go_on(upto):
            yield frame

    async def _go_on(self, upto: int) -> AsyncIterator[Frame]:
        """Reads from the ledger what was too much to wait while the reader caught up."""
        while self.overrun:
            self.overrun, done, upto = False, upto, self.heard
            self.waiting.clear()
            async for each in missed(done, upto, frozenset(self.topics)):
                for frame in self._frames_of(each):
                    yield frame

    def _frames_of(self, each: Told) -> list[Frame]:
        topic = self._topic_of(each)
        return [each.frame(topic)] if topic else []

    def _topic_of(self, each: Told) -> str | None:
        """The name by which this reader follows the entry's most particular topic, if it may read it."""
        if topics.scope_of_kind(each.kind) not in self.credential.scopes:
            return None
        return _topic_in(self.topics, each)


OPEN: Counter[tuple[int | None, int | None]] = Counter()
"""How many live streams each token or session holds open in this process."""


def _topic_in(followed: dict[str, Followed], each: Told) -> str | None:
    found = (followed.get(topic) for topic in each.topics)
    return next((topic.name for topic in found if topic and topic.after < each.id), None)


def checked(names: list[Any], scopes: frozenset[str]) -> list[str]:
    """The names, which are topics that these scopes open. Raises Malformed, NotAllowed."""
    odd = [name for name in names if not (isinstance(name, str) and name.isascii() and len(name) <= LONGEST_TOPIC)]
    if unknown := odd or topics.unknown(names):
        raise Malformed(f"There is no topic {str(unknown[0])[:LONGEST_TOPIC]!r}.")
    if refused := [name for name in names if topics.scope_of(name) not in scopes]:
        raise NotAllowed(f"This credential may not read {refused[0]!r}.")
    return names


def id_of(given: Any) -> int | None:
    """The id that a reader names as its last; None when it names none. Raises Malformed."""
    if given is None or given == "":
        return None
    text = str(given) if isinstance(given, (int, str)) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed("`after` is the id of the last frame that you saw.")
    return int(text)


async def missed(after: int, upto: int, wanted: frozenset[str]) -> AsyncIterator[Told]:
    """The entries of these topics between two ids, read a page at a time: as fast as the reader takes them."""
    while after < upto:
        found, after = await database_sync_to_async(page)(after, upto, wanted)
        for each in found:
            yield each


def page(after: int, upto: int, wanted: frozenset[str]) -> tuple[list[Told], int]:
    """One page of them, and the id from which to go on."""
    rows = Entry.objects.filter(pk__gt=after, pk__lte=upto).order_by("pk").values(*COLUMNS)[:PAGE]
    read = [told(dict(row)) for row in rows]
    return [each for each in read if wanted & set(each.topics)], read[-1].id if len(read) == PAGE else upto


def newest() -> int:
    return Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0


def resolve(names: list[str]) -> dict[str, str]:
    """Each name with its canonical topic: `mission:checkout` is `mission:12`. One query for each kind of thing."""
    found = {name: name for name in names if ":" not in name}
    for noun in TABLES:
        keys = {key for name in names for kind, _, key in [name.partition(":")] if kind == noun and key}
        found.update(_named(noun, keys) if keys else {})
    return found


def _named(noun: str, keys: set[str]) -> dict[str, str]:
    table = TABLES[noun]
    numbers = [int(key) for key in keys if key.isdigit() and len(key) < 19]
    wanted = Q(pk__in=numbers) | Q(**{f"{table.KEY}__in": [key for key in keys if "\x00" not in key]})
    rows = table.objects.filter(wanted).values_list("pk", table.KEY)
    known = {str(name): pk for row in rows for name, pk in ((row[0], row[0]), (row[1], row[0]))}
    return {f"{noun}:{key}": f"{noun}:{known[key]}" for key in keys if key in known}
