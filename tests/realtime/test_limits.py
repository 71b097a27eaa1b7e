"""What the live stream does not do: tell too early, tell too much, remember for ever."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import ApiToken
from accounts.services import issuing_tokens, managing_people
from coordinator.reading import LARGEST_BACKLOG
from missions.services import planning
from tests.factories import person, token_of
from tests.faults.web import Web
from tests.realtime.test_sse import opened as sse
from tests.realtime.test_stream import frames, heard, opened, some_mission
from tests.traceability.following import connected, write_quietly
from traceability.events import SYSTEM
from traceability.models import Entry

MIB = 2**20
ROUNDS = 20
LARGE = """
INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, occurred_at, canonical)
SELECT 'org', 'task.noted', 1, 'system', 'x', now(), %s FROM generate_series(1, %s)
"""


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


@pytest.fixture
def web(committed_db: str) -> Iterator[Web]:
    found = Web(committed_db).wait()
    yield found
    found.end()


def revise(mission: Any) -> int:
    """Changes the mission; the id of the entry."""
    planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), goal=f"Goal {timezone.now()}")
    return Entry.objects.of_mission(mission.pk).latest("pk").pk


@pytest.mark.breaks_history
def test_out_of_order_commits_are_told_in_order_and_none_before_the_older_one_is_settled(
    served: str, token: str
) -> None:
    older, younger = some_mission(), some_mission()
    query = f"?topics=mission:{older.key},mission:{younger.key}"
    with opened(served, token, query) as held, connected() as slow:
        heard(held)
        first = write_quietly(slow, older.ref)
        second = revise(younger)
        with pytest.raises(TimeoutError):
            held.recv(timeout=1)
        with opened(served, token, f"{query}&after={first - 1}") as other:
            assert heard(other)["event"] == "subscribed"
            with pytest.raises(TimeoutError):
                other.recv(timeout=0.5)
            slow.commit()
            assert [heard(each)["id"] for each in (other, held) for _ in range(2)] == [first, second] * 2


@pytest.mark.breaks_history
def test_who_reads_too_slowly_is_told_to_begin_anew_and_costs_little_memory(web: Web, token: str) -> None:
    text = json.dumps({"data": {"text": "x" * 2000}, "refs": {}, "actor": {"name": "x"}})
    with slowly(web, token) as slow, opened(web.address, token, "?topics=tasks") as quick, connected() as held:
        assert heard(slow)["event"] == heard(quick)["event"] == "subscribed"
        process = psutil.Process(web.process.pid)
        memory: list[int] = []
        for _ in range(ROUNDS):
            held.execute(LARGE, [text, LARGEST_BACKLOG // 2])
            held.commit()
            for _ in range(LARGEST_BACKLOG // 2):
                assert "id" in heard(quick)
            memory.append(process.memory_info().rss)
        told = [frame["id"] for frame in until_reset(slow)]
        assert told == sorted(set(told))
        slow.send(json.dumps({"subscribe": ["tasks"], "after": told[-1]}))
        dropped = list(
            Entry.objects.filter(kind="task.noted", pk__gt=told[-1]).values_list("pk", flat=True).order_by("pk")
        )
        assert len(dropped) > LARGEST_BACKLOG
        assert sorted(itertools.islice(ids(slow), len(dropped))) == dropped
        mission = some_mission()
        task = planning.create_task(mission=mission, objective="News", actor=SYSTEM, now=timezone.now())
        while heard(slow).get("data", {}).get("task") != task.key:
            pass
    assert max(memory) - memory[ROUNDS // 4] < 12 * MIB < ROUNDS * LARGEST_BACKLOG // 2 * 2000


def slowly(web: Web, token: str) -> ClientConnection:
    """A socket whose reader takes nothing of its own accord."""
    headers = {"Authorization": f"Bearer {token}"}
    return connect(f"ws://127.0.0.1:{web.port}/ws/stream?topics=tasks", additional_headers=headers, max_queue=1)


def ids(held: ClientConnection) -> Iterator[int]:
    """The ids of the frames that come, in their order."""
    return (frame["id"] for frame in frames(held))


def until_reset(held: ClientConnection) -> Iterator[dict[str, Any]]:
    while (frame := heard(held)) != {"event": "reset"}:
        yield frame


def test_a_scope_that_is_taken_away_ends_its_frames_at_once_and_no_others(served: str, committed_db: str) -> None:
    admin, other = person("admin"), person("admin")
    token, mission = token_of(admin), some_mission()
    topics = f"?topics=accounts,mission:{mission.key}"
    with opened(served, token, topics) as held, sse(served, token, topics) as reading:
        heard(held)
        managing_people.revise_account(admin, actor=SYSTEM, now=timezone.now(), role="operator")
        managing_people.revise_account(other, actor=SYSTEM, now=timezone.now(), name="Not for you")
        last = revise(mission)
        assert heard(held)["id"] == reading.event()["id"] == last


def test_a_token_that_is_revoked_ends_its_streams_at_once(served: str, committed_db: str) -> None:
    token, mission = token_of(person("operator")), some_mission()
    with opened(served, token, "?topics=missions") as held, sse(served, token, "?topics=missions") as reading:
        heard(held)
        row = ApiToken.objects.get(prefix="_".join(token.split("_")[:2]))
        issuing_tokens.revoke(row, actor=SYSTEM, now=timezone.now())
        revise(mission)
        with pytest.raises(ConnectionClosed) as closed:
            held.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        with pytest.raises(EOFError):
            reading.event()
