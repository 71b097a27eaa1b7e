"""Signs of life of agents and of runs, from every process to the sockets of this one: no history, and none is kept."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from traceability import hints
from traceability.tail import tail

RETRY_S = 1.0
log = logging.getLogger(__name__)


class Shown(Protocol):
    """Who shows signs of life. It must not wait."""

    def show(self, signs: Mapping[str, Mapping[str, str]]) -> None:
        """By topic (`topics.SIGNS`): id of an agent or a task to the time when it was last heard of."""


class Lights:
    """Hands on what the hints say: from Redis's group of pages where there is Redis, else as the tail hears it."""

    def __init__(self) -> None:
        self.readers: set[Shown] = set()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen; a second call does nothing."""
        if not settings.REDIS_URL:
            tail().watchers.add(self.hear)
        elif self.task is None or self.task.done():
            self.task = asyncio.create_task(self._listen(), name="presence")

    def hear(self, payload: str) -> None:
        """`2026-11-24T12:00:00.000000Z 12 15 t17`, agents and tasks; another word comes from a stranger and says
        nothing."""
        at, _, words = payload.partition(" ")
        agents = {word: at for word in words.split() if word.isdecimal()}
        tasks = {word[1:]: at for word in words.split() if word.startswith("t") and word[1:].isdecimal()}
        for each in list(self.readers if agents or tasks else ()):
            each.show({"presence": agents, "outputs": tasks})

    async def _listen(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                mine = await layer.new_channel()
                await layer.group_add(hints.GROUP, mine)
                while True:
                    self.hear((await layer.receive(mine))["payload"])
            except (RedisError, OSError) as lost:
                log.warning("Presence waits for Redis: %s", lost)
                await asyncio.sleep(RETRY_S)


_lights: WeakKeyDictionary[asyncio.AbstractEventLoop, Lights] = WeakKeyDictionary()


def lights() -> Lights:
    """This event loop's lights, started."""
    found = _lights.setdefault(asyncio.get_running_loop(), Lights())
    found.start()
    return found
