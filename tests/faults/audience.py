"""Readers of the live stream who come and go as they like, in one event loop: sockets and Server-Sent Events."""

import asyncio
import contextlib
import json
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

PAUSE_S = 0.2
QUIET_S = 30.0
"""Longer than a busy server takes to answer: who gives up and knocks again makes it busier."""

LOST = (OSError, WebSocketException, EOFError, TimeoutError, asyncio.IncompleteReadError)


class Listener(ABC):
    """One reader: it follows its topics, goes away now and then, and comes back with the last id that it saw."""

    def __init__(self, port: int, token: str, topics: list[str], after: int, seed: int) -> None:
        self.port, self.token, self.topics, self.last = port, token, topics, after
        self.chance = random.Random(seed)
        self.goal: int | None = None
        self.got: list[int] = []
        self.odd: list[Any] = []
        self.visits = 0

    async def listen(self) -> None:
        """Until it has its goal: the last id that is expected."""
        while not self.done():
            with contextlib.suppress(*LOST):
                async with contextlib.aclosing(self.frames()) as frames:
                    await self._visit(frames)
            await asyncio.sleep(self.chance.random() * PAUSE_S)

    def done(self) -> bool:
        """Whether it has the last that it may expect."""
        return self.goal is not None and self.last >= self.goal

    async def _visit(self, frames: AsyncGenerator[dict[str, Any]]) -> None:
        self.visits += 1
        stays = self.chance.randrange(10, 300)
        async for frame in frames:
            if "id" not in frame:
                self.odd += [] if frame["event"] in {"subscribed", "heartbeat"} else [frame]
                continue
            self.got.append(frame["id"])
            self.last = frame["id"]
            stays -= 1
            if not stays or self.done():
                return

    @abstractmethod
    def frames(self) -> AsyncGenerator[dict[str, Any]]:
        """What the server says, as it comes."""


class Socket(Listener):
    """Over `ws /ws/stream`."""

    async def frames(self) -> AsyncGenerator[dict[str, Any]]:
        query = urlencode({"topics": ",".join(self.topics), "after": self.last})
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"ws://127.0.0.1:{self.port}/ws/stream?{query}"
        async with connect(address, additional_headers=headers, open_timeout=QUIET_S, close_timeout=0.1) as held:
            while True:
                yield json.loads(await asyncio.wait_for(held.recv(), QUIET_S))


class Events(Listener):
    """Over `GET /api/stream`; what it reads of the chunks are whole lines."""

    async def frames(self) -> AsyncGenerator[dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            head = (
                f"GET /api/stream?{urlencode({'topics': ','.join(self.topics)})} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {self.token}\r\nLast-Event-ID: {self.last}\r\n\r\n"
            )
            writer.write(head.encode())
            while line := await asyncio.wait_for(reader.readline(), QUIET_S):
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))
        finally:
            writer.close()
