"""How large a body may be, kept while it arrives: before Django writes it to memory or disk."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

TOO_LARGE = "body_too_large"
"""Set in the scope of a request whose body was cut; `middleware.BodyLimit` answers it with 413."""


def limit_of(path: str) -> int:
    """The most bytes that a body for this address may have."""
    fits = [limit for prefix, limit in settings.BODY_LIMIT_BY_PREFIX.items() if path.startswith(prefix)]
    return int(max(fits, default=settings.BODY_LIMIT))


def declared_length(header: str) -> int:
    """The number in a Content-Length header (of a very long one its beginning); 0 when it holds none."""
    return int(header.lstrip("0")[:20] or 0) if header.isascii() and header.isdigit() else 0


class LimitedBodies:
    """Ends a body at its limit, whether it was declared too large or turns out to be; the rest is never kept."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Any) -> None:
        bounded = Bounded(scope, receive).receive if scope["type"] == "http" else receive
        await self.inner(scope, bounded, send)


class Bounded:
    """One request's messages: as they come up to the limit, then the end of the body, then only the disconnect."""

    def __init__(self, scope: dict[str, Any], receive: Receive) -> None:
        self.scope = scope
        self.source = receive
        self.left = limit_of(scope["path"])
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        self.too_large = declared_length(declared.decode("latin-1")) > self.left

    async def receive(self) -> Message:
        if self.scope.get(TOO_LARGE):
            return await self._disconnect()
        if self.too_large:
            return self._cut()
        message = await self.source()
        self.left -= len(message.get("body", b""))
        return self._cut() if self.left < 0 else message

    def _cut(self) -> Message:
        self.scope[TOO_LARGE] = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _disconnect(self) -> Message:
        while True:
            message = await self.source()
            if message["type"] == "http.disconnect":
                return message
