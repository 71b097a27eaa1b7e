"""Signs of life: a heartbeat reaches every web process's pages within about a second, and is no history."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection

from tests.factories import person, token_of, unique
from tests.realtime.test_stream import heard, opened
from tests.serving import serve
from traceability import hints
from traceability.models import Entry

SOON_S = 10


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


@pytest.fixture
def redis() -> Iterator[str]:
    """The address of a Redis of this test alone."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed: apt install redis-server.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
    )
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(SOON_S)


def _wait_for(port: int) -> None:
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("Redis does not answer.")


def say(served: str, token: str, agent: str, event: str = "heartbeat") -> int:
    """The agent reports; its id."""
    answer = requests.post(
        f"{served}/api/agents/{agent}/activity",
        json={"event": event},
        headers={"Authorization": f"Bearer {token}"},
        timeout=SOON_S,
    )
    answer.raise_for_status()
    found = requests.get(
        f"{served}/api/agents/{agent}", headers={"Authorization": f"Bearer {token}"}, timeout=SOON_S
    ).json()
    return int(found["id"])


def presence(held: ClientConnection) -> dict[str, str]:
    """The next message of presence; it is the only kind that may come."""
    told = heard(held)
    assert told["event"] == "presence", told
    agents: dict[str, str] = told["data"]["agents"]
    return agents


def travels(one: str, two: str, token: str) -> None:
    agent = unique("agent")
    pk = say(one, token, agent, "session_start")
    before = Entry.objects.count()
    with opened(one, token, "?topics=presence") as here, opened(two, token, "?topics=presence") as there:
        assert heard(here)["event"] == heard(there)["event"] == "subscribed"
        times = []
        for _ in range(2):
            say(one, token, agent)
            for each in (here, there):
                while str(pk) not in (agents := presence(each)):
                    pass
                times.append(agents[str(pk)])
    assert times[0] == times[1] < times[2] == times[3]
    assert times[0].endswith("Z")
    assert Entry.objects.count() == before


def test_a_heartbeat_travels_between_two_web_processes_and_writes_no_history(committed_db: str, token: str) -> None:
    with serve(committed_db) as one, serve(committed_db) as two:
        travels(one, two, token)


@pytest.mark.parametrize("payload", ["", "nonsense", "a b c", "2026-11-24T12:00:00Z"])
def test_a_hint_that_says_nothing_is_passed_over(served: str, token: str, payload: str) -> None:
    pk = say(served, token, unique("agent"), "session_start")
    with opened(served, token, "?topics=presence") as held:
        heard(held)
        with hints.connect() as stranger:
            for each in (payload, f"2026-11-24T12:00:00Z {pk} x"):
                stranger.execute("SELECT pg_notify(%s, %s)", [hints.PAGES, each])
        while presence(held) != {str(pk): "2026-11-24T12:00:00Z"}:
            pass


def test_with_redis_it_travels_over_its_group_of_pages(committed_db: str, token: str, redis: str) -> None:
    with serve(committed_db, REDIS_URL=redis) as one, serve(committed_db, REDIS_URL=redis) as two:
        travels(one, two, token)


def test_many_heartbeats_are_one_message_a_second(served: str, token: str) -> None:
    agents = [unique("agent") for _ in range(3)]
    ids = {str(say(served, token, each, "session_start")) for each in agents}
    with opened(served, token, "?topics=presence") as held:
        heard(held)
        began = time.monotonic()
        count = 0
        while time.monotonic() - began < 2.2:
            say(served, token, agents[count % 3])
            count += 1
        got = [each["data"]["agents"] for each in rest_of(held)]
    assert count > 6
    assert 2 <= len(got) <= (time.monotonic() - began) + 1
    assert set().union(*got) == ids


def test_presence_needs_the_scope_and_comes_only_to_who_asks_for_it(served: str, token: str) -> None:
    narrow = token_of(person("operator"), scopes=["missions:read"])
    with opened(served, narrow) as held:
        assert asked(held, ["presence"])["event"] == "error"
    with opened(served, token, "?topics=agents") as other, opened(served, token, "?topics=presence") as held:
        assert heard(other)["event"] == heard(held)["event"] == "subscribed"
        agent = unique("agent")
        pk = say(served, token, agent, "session_start")
        assert str(pk) in presence(held)
        say(served, token, agent)
        assert {each["topic"] for each in rest_of(other)} == {"agents"}


def rest_of(held: ClientConnection) -> list[dict[str, Any]]:
    """What comes until nothing comes for a while."""
    found = []
    with suppress(TimeoutError):
        while True:
            found.append(json.loads(held.recv(timeout=1.5)))
    return found


def asked(held: ClientConnection, names: list[str]) -> dict[str, Any]:
    held.send(json.dumps({"subscribe": names}))
    return heard(held)
