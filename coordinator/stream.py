"""`GET /api/stream`: the frames of `ws /ws/stream` as Server-Sent Events, for tools that read one way.

Who asks and for what is judged by a view like any other. The stream itself holds no connection of the pool: the view's
is given back before the first byte, and each question later takes one for as long as it lasts.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connections
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from accounts.auth import Credential
from coordinator import catching_up, reading
from coordinator.lib.errors import Malformed, Missing, Refusal, TooMany, Unavailable
from coordinator.lib.views import Endpoint
from coordinator.reading import MOST_TOPICS, Line, Reader

HEARTBEAT_S = 15
ALIVE = ": alive\n\n"
HEADERS = {"X-Accel-Buffering": "no"}
"""A proxy hands on what it has, and waits for no more."""


class StreamView(Endpoint):
    """What happens, as it happens."""

    scopes = {"follow": ""}
    asking = frozenset({"follow"})

    @extend_schema(
        parameters=[
            OpenApiParameter("topics", str, required=True, description="Such as `missions,task:split-form`."),
            OpenApiParameter("after", str, description="A frame's id: everything since comes first."),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="The same, of browsers."),
        ],
        responses={(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "Frames, each with its id.")},
    )
    def follow(self, request: Request) -> StreamingHttpResponse:
        """Server-Sent Events: the frames of `ws /ws/stream`, a comment every 15 s. Each topic demands its scope."""
        credential: Any = request.auth
        names = catching_up.checked(_names(request.query_params), credential.scopes)
        after = catching_up.id_of(request.headers.get("Last-Event-ID") or request.query_params.get("after"))
        known = catching_up.resolve(names)
        if missing := [name for name in names if name not in known]:
            raise Missing(f"There is no {missing[0]!r}.")
        if not hasattr(request._request, "scope"):
            raise Unavailable("The stream needs the ASGI server; this one speaks WSGI.")
        _refuse_more(credential)
        parts = parts_for(credential, names, after)
        return StreamingHttpResponse(parts, content_type="text/event-stream", headers=HEADERS)


async def parts_for(credential: Credential, names: list[str], after: int | None) -> AsyncGenerator[str]:
    """The text of one stream, until the credential is revoked or the reader leaves."""
    await database_sync_to_async(connections.close_all)()
    reader = Reader(credential)
    try:
        await reader.join()
        await reader.follow(names, after)
        async with contextlib.aclosing(_told(reader)) as told:
            async for each in told:
                yield each
    except Refusal as refusal:
        yield part({"event": "error", "detail": refusal.detail})
    finally:
        reader.leave()


async def _told(reader: Reader) -> AsyncGenerator[str]:
    """The reader's lines, and a comment at each heartbeat, which asks whether the credential still holds."""
    coming, due = reader.lines(), time.monotonic() + HEARTBEAT_S
    next_lines = asyncio.ensure_future(anext(coming, None))
    try:
        while True:
            await asyncio.wait({next_lines}, timeout=max(0.0, due - time.monotonic()))
            if next_lines.done():
                if (lines := next_lines.result()) is None:
                    return
                yield "".join(framed(line) for line in lines)
                next_lines = asyncio.ensure_future(anext(coming, None))
            if time.monotonic() >= due:
                due = time.monotonic() + HEARTBEAT_S
                if not await reader.renew():
                    return
                yield ALIVE
    finally:
        next_lines.cancel()


def framed(line: Line) -> str:
    """One event of the stream, with the id from which a reader comes back. JSON has no line breaks of its own."""
    named = "" if line.id is None else f"id: {line.id}\n"
    return f"{named}data: {line.text}\n\n"


def part(message: dict[str, Any]) -> str:
    return framed(Line(json.dumps(message, separators=(",", ":"))))


def _names(params: Any) -> list[str]:
    """Raises Malformed."""
    for name in params:
        if name not in {"topics", "after"}:
            raise Malformed(f"There is no parameter {name[:50]!r} here; this takes topics and after.")
    names = [name for name in params.get("topics", "").split(",") if name]
    if not 0 < len(names) <= MOST_TOPICS:
        raise Malformed(f"Name 1 to {MOST_TOPICS} topics, separated by commas.")
    return names


def _refuse_more(credential: Credential) -> None:
    """Refuses, while that can still be said with a status, a stream that `join` would not take. Raises TooMany."""
    held = reading.OPEN[credential.token_id, credential.session_id]
    if held >= settings.STREAMS_PER_CREDENTIAL:
        raise TooMany(f"This credential holds {held} live streams already; close one.")
