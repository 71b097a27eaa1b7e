"""`ws /ws/stream`: the ledger's entries to those who may read them, after the commit, each once."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any
from urllib.parse import parse_qsl

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path

from agents.models import Agent
from missions.models import Mission, Task
from traceability import topics
from traceability.models import Entry
from traceability.tail import Told, tail, told

LARGEST_BACKLOG = 1000
"""Entries that a reader may be behind; beyond that it gets `reset` and must read the state anew."""

PAGE = 500
"""Entries that are read at a time for a reader who comes back."""

HEARTBEAT_S = 20
NOT_SIGNED_IN = 4401
TABLES: dict[str, Any] = {"mission": Mission, "task": Task, "agent": Agent}


class Stream(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One reader. Topics come in the address (`?topics=a,b&after=ID`) or in messages `{"subscribe": [...]}`."""

    async def connect(self) -> None:
        self.credential = self.scope.get("credential")
        self.waiting: deque[Told] = deque()
        self.topics: dict[str, str] = {}
        self.sent: deque[int] = deque(maxlen=LARGEST_BACKLOG * 2)
        self.overrun = False
        self.news = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        await self.accept()
        if self.credential is None:
            await self.close(code=NOT_SIGNED_IN)
            return
        self.tail = tail()
        self.tail.readers.add(self.hear)
        await self.tail.ready.wait()
        self.tasks = [asyncio.create_task(self._send_news()), asyncio.create_task(self._beat())]
        asked = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        if asked.get("topics"):
            await self.subscribe(asked["topics"].split(","), asked.get("after"))

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "tail"):
            self.tail.readers.discard(self.hear)
        for task in self.tasks:
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            asked = json.loads(text_data or "")
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("subscribe"), list):
            await self.say({"event": "error", "detail": 'Send {"subscribe": [topic, ...], "after": id}.'})
            return
        await self.subscribe(asked["subscribe"], asked.get("after"))

    async def subscribe(self, names: list[Any], after: Any) -> None:
        """Adds topics; with `after`, sends first what was told since that id."""
        if unknown := topics.unknown(names):
            await self.say({"event": "error", "detail": f"There is no topic {unknown[0]!r}."})
            return
        held = self.credential.scopes
        if refused := [name for name in names if topics.scope_of(name) not in held]:
            await self.say({"event": "error", "detail": f"This credential may not read {refused[0]!r}."})
            return
        resolved = await database_sync_to_async(resolve)(names)
        if missing := [name for name in names if name not in resolved]:
            await self.say({"event": "error", "detail": f"There is no {missing[0]!r}."})
            return
        self.topics.update({topic: name for name, topic in resolved.items()})
        await self.say({"event": "subscribed", "topics": sorted(self.topics.values())})
        if str(after or "").isdigit():
            await self._catch_up(int(after))

    def hear(self, batch: list[Told]) -> None:
        """Called by the tail: keeps what this reader subscribed to, within bounds."""
        mine = [each for each in batch if self._topic_of(each)]
        self.waiting.extend(mine)
        if len(self.waiting) > LARGEST_BACKLOG:
            self.waiting.clear()
            self.overrun = True
        if mine:
            self.news.set()

    async def _catch_up(self, after: int) -> None:
        """Sends what was told since an id, a page at a time: as fast as this reader takes it."""
        names = frozenset(self.topics)
        while True:
            missed, last = await database_sync_to_async(since)(after, names)
            for each in missed:
                await self._deliver(each)
            if last is None:
                return
            after = last

    async def _send_news(self) -> None:
        while True:
            await self.news.wait()
            self.news.clear()
            if self.overrun:
                self.overrun = False
                await self.say({"event": "reset"})
            while self.waiting:
                await self._deliver(self.waiting.popleft())

    async def _deliver(self, each: Told) -> None:
        topic = self._topic_of(each)
        if topic is None or each.id in self.sent:
            return
        self.sent.append(each.id)
        await self.say(each.frame(topic))

    def _topic_of(self, each: Told) -> str | None:
        """The name by which this reader subscribed to the entry's most particular topic, if it may read it."""
        if topics.scope_of_kind(each.kind) not in self.credential.scopes:
            return None
        return next((self.topics[topic] for topic in each.topics if topic in self.topics), None)

    async def _beat(self) -> None:
        """Keeps proxies from closing the socket, and closes it when the credential has been revoked."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self.credential = await database_sync_to_async(self.credential.renewed)()
            if self.credential is None:
                await self.close(code=NOT_SIGNED_IN)
                return
            await self.say({"event": "heartbeat"})

    async def say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError):
            await self.send(text_data=json.dumps(message, separators=(",", ":")))


def since(after: int, wanted: frozenset[str]) -> tuple[list[Told], int | None]:
    """A page of the entries after an id that belong to one of the topics, and the id from which to go on (or None)."""
    rows = Entry.objects.filter(pk__gt=after).order_by("pk").values(
        "id", "kind", "mission_id", "task_id", "agent_id", "recorded_at", "canonical"
    )[:PAGE]  # fmt: skip
    page = [told(dict(row)) for row in rows]
    return [each for each in page if wanted & set(each.topics)], page[-1].id if len(page) == PAGE else None


def resolve(names: list[str]) -> dict[str, str]:
    """Each subscribable name with its canonical topic: `mission:checkout` is `mission:12`."""
    found = {}
    for name in names:
        noun, _, key = name.partition(":")
        topic = name if not key else _topic_of_key(noun, key)
        if topic:
            found[name] = topic
    return found


def _topic_of_key(noun: str, key: str) -> str | None:
    row = TABLES[noun].objects.named(key).only("pk").first()
    return None if row is None else f"{noun}:{row.pk}"


websocket_urlpatterns = [path("ws/stream", Stream.as_asgi())]
