"""A tail at work beside a test, and what it told."""

import asyncio
from collections.abc import Callable
from typing import Any

from coordinator.lib.refs import Ref
from traceability.tail import Tail
from traceability.told import Told

WAIT_S = 10.0


class Heard:
    """What a tail told, and a way to wait until it told enough; `lost` holds the ids up to which it lost track."""

    def __init__(self, tail: Tail, wanted: Callable[[Told], bool]) -> None:
        self.tail, self.wanted = tail, wanted
        self.told: list[Told] = []
        self.lost: list[int] = []
        self.news = asyncio.Event()

    def lose(self, settled: int) -> None:
        self.lost.append(settled)
        self.news.set()

    def hear(self, batch: list[Told]) -> None:
        self.told += [each for each in batch if self.wanted(each)]
        self.news.set()

    async def until(self, count: int, *, lost: int = 0) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.told) < count or len(self.lost) < lost:
                await self.news.wait()
                self.news.clear()


async def listening(wanted: Callable[[Told], bool], do: Callable[[Heard], Any]) -> list[Told]:
    """Runs `do` beside a tail and answers what it told."""
    tail = Tail()
    heard = Heard(tail, wanted)
    tail.listeners.add(heard)
    tail.start()
    try:
        async with asyncio.timeout(WAIT_S):
            await tail.ready.wait()
        await do(heard)
    finally:
        assert tail.task is not None
        tail.task.cancel()
        await asyncio.gather(tail.task, return_exceptions=True)
    return heard.told


def of(missions: list[Ref]) -> Callable[[Told], bool]:
    topics = {f"mission:{mission.id}" for mission in missions}
    return lambda told: bool(topics & set(told.topics))
