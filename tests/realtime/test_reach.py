"""How far back the live stream reaches, and that a reader who is gone leaves nothing behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.auth import Credential
from accounts.models import User
from accounts.roles import SCOPES
from coordinator import reading
from coordinator.live import Stream
from missions.lifecycle import MissionStatus
from missions.services import steering
from tests.factories import person, token_of
from tests.missions import world
from tests.realtime.test_sse import opened as sse
from tests.realtime.test_stream import heard, opened, some_mission
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.services import archiving
from traceability.tail import Tail, tail


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


@pytest.fixture
def archived(committed_db: str, tmp_path: Path) -> int:
    """The id of the first entry of a mission that was moved to a file."""
    ended = world.mission()
    steering.move_mission(ended, MissionStatus.COMPLETED, expected=None, actor=SYSTEM, now=timezone.now())
    first = Entry.objects.of_mission(ended.pk).earliest("pk").pk
    assert list(archiving.archive(f"mission:{ended.pk}", tmp_path, actor=SYSTEM, now=timezone.now()))
    assert not Entry.objects.of_mission(ended.pk).filter(pk=first).exists()
    return first


@pytest.mark.breaks_history
def test_who_comes_back_to_before_what_was_archived_is_told_to_begin_anew_once(
    served: str, token: str, archived: int
) -> None:
    with opened(served, token, f"?topics=missions&after={archived}") as held:
        assert heard(held)["event"] == "subscribed"
        assert heard(held) == {"event": "reset"}
        later = some_mission()
        assert heard(held)["data"]["mission"] == later.key
    with sse(served, token, f"?topics=missions&after={archived}") as stream:
        reset = stream.event()
        assert reset["event"] == "reset"
    missed = some_mission()
    with sse(served, token, "?topics=missions", **{"Last-Event-ID": reset["named"]}) as stream:
        assert stream.event()["data"]["mission"] == missed.key


class Visit:
    """A socket before our consumer, in this process: it connects, and then it is cut off."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = [{"type": "websocket.connect"}]

    async def receive(self) -> dict[str, Any]:
        if self.asked:
            return self.asked.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(0)

    async def cut_after(self, turns: int) -> None:
        """Cuts the connection after so many turns of the loop."""
        credential = Credential(User(pk=0), SCOPES)
        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"topics=missions,presence"}
        visit: Any = Stream.as_asgi()({**scope, "credential": credential}, self.receive, self.send)
        task = asyncio.create_task(visit)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_socket_that_is_cut_off_at_any_moment_leaves_nothing_behind(committed_db: str) -> None:
    async def cut() -> Tail:
        await tail_ready()
        for turns in range(60):
            await Visit().cut_after(turns)
        return tail()

    async def tail_ready() -> None:
        await tail().ready.wait()

    found = asyncio.run(cut())
    assert found.listeners == set()
    assert reading.OPEN == {}
