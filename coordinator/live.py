"""`ws /ws/stream`: the ledger's entries to those who may read them, after the commit, each once, in order."""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qsl

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.urls import path
from rest_framework.exceptions import ParseError

from coordinator.catching_up import id_of
from coordinator.lib.errors import Malformed, Refusal, TooMany
from coordinator.lib.http import read_json
from coordinator.lib.outages import is_outage
from coordinator.reading import Reader

HEARTBEAT_S = 20
NOT_SIGNED_IN = 4401
TOO_MANY = 4429
TRY_AGAIN = 1013
HOW = 'Send {"subscribe": [topic, ...], "after": id}.'
ALIVE = '{"event":"heartbeat"}'


class Stream(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket. Topics come in the address (`?topics=a,b&after=ID`) or in messages `{"subscribe": [...]}`.

    It takes no part in the channel layer: what it tells comes from the ledger.
    """

    channel_layer_alias = "none"
    reader: Reader | None = None
    tasks: tuple[asyncio.Task[None], ...] = ()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()

    async def connect(self) -> None:
        credential = self.scope.get("credential")
        await self.accept()
        if credential is None:
            await self.close(code=NOT_SIGNED_IN)
            return
        reader = self.reader = Reader(credential)
        try:
            await reader.join()
        except TooMany as refusal:
            self.reader = None
            await self.say({"event": "error", "detail": refusal.detail})
            await self.close(code=TOO_MANY)
            return
        self.tasks = tuple(asyncio.create_task(self._while_possible(do(reader))) for do in (self._tell, self._beat))
        asked = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        if asked.get("topics"):
            await self._follow(reader, {"subscribe": asked["topics"].split(","), "after": asked.get("after")})

    async def disconnect(self, code: int) -> None:
        self._end()

    def _end(self) -> None:
        """Leaves, however the socket ended; a second call does nothing."""
        if self.reader is not None:
            self.reader.leave()
        for task in self.tasks:
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.reader is not None:
            await self._follow(self.reader, read(text_data or ""))

    async def _follow(self, reader: Reader, asked: Any) -> None:
        try:
            if not isinstance(asked, dict) or not isinstance(asked.get("subscribe"), list):
                raise Malformed(HOW)
            await reader.follow(asked["subscribe"], id_of(asked.get("after")))
        except Refusal as refusal:
            await self.say({"event": "error", "detail": refusal.detail})

    async def _while_possible(self, doing: Coroutine[Any, Any, None]) -> None:
        """Without the database there is nothing to tell: the reader is told to come back."""
        try:
            await doing
        except DatabaseError as fault:
            if not is_outage(fault):
                raise
            await self.close(code=TRY_AGAIN)

    async def _tell(self, reader: Reader) -> None:
        """Sends what there is to say until the credential has ended; a socket that takes no more makes it wait."""
        async for lines in reader.lines():
            await self._send(*(line.text for line in lines))
        await self.close(code=NOT_SIGNED_IN)

    async def _beat(self, reader: Reader) -> None:
        """Keeps proxies from closing the socket, and closes it when the credential has been revoked."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if not await reader.renew():
                await self.close(code=NOT_SIGNED_IN)
                return
            await self._send(ALIVE)

    async def say(self, message: dict[str, Any]) -> None:
        await self._send(json.dumps(message, separators=(",", ":")))

    async def _send(self, *texts: str) -> None:
        with contextlib.suppress(RuntimeError, OSError):
            for text in texts:
                await self.base_send({"type": "websocket.send", "text": text})


def read(text: str) -> Any:
    """The value of a message; None when it is no JSON that we take."""
    try:
        return read_json(text.encode())
    except (ParseError, Refusal):
        return None


websocket_urlpatterns = [path("ws/stream", Stream.as_asgi())]
