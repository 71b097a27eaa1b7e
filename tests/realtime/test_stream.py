"""`ws /ws/stream` of a real web process: entries after their commit, once, to those who may read them."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from missions.models import Mission
from missions.services import planning
from tests.factories import person, service, token_of, unique
from tests.serving import serve
from traceability.events import SYSTEM

SOON_S = 10


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


def opened(served: str, token: str, query: str = "") -> ClientConnection:
    address = served.replace("http", "ws", 1) + f"/ws/stream{query}"
    return connect(address, additional_headers={"Authorization": f"Bearer {token}"})


def heard(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(socket.recv(timeout=SOON_S))
    return found


def frames(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    while True:
        found = heard(socket)
        if "id" in found:
            yield found


def some_mission() -> Mission:
    return planning.create_mission(mission_id=unique("m"), goal="Be heard", actor=SYSTEM, now=timezone.now())


def test_a_change_is_heard_after_its_commit(served: str, token: str) -> None:
    with opened(served, token, "?topics=missions") as socket:
        assert heard(socket) == {"event": "subscribed", "topics": ["missions"]}
        mission = some_mission()
        frame = heard(socket)
    assert frame["event"] == "mission.created"
    assert frame["topic"] == "missions"
    assert frame["data"]["mission"] == mission.key
    assert set(frame) == {"id", "topic", "event", "at", "data"}


def test_nothing_is_heard_of_a_change_that_was_rolled_back(served: str, token: str) -> None:
    with opened(served, token, "?topics=missions") as socket:
        heard(socket)
        with transaction.atomic():
            some_mission()
            transaction.set_rollback(True)
        kept = some_mission()
        assert heard(socket)["data"]["mission"] == kept.key


def test_one_mission_is_followed_by_its_key(served: str, token: str) -> None:
    followed, other = some_mission(), some_mission()
    with opened(served, token) as socket:
        socket.send(json.dumps({"subscribe": [f"mission:{followed.key}"]}))
        heard(socket)
        for each in (other, followed):
            planning.revise_mission(each, expected=None, actor=SYSTEM, now=timezone.now(), goal="Another goal")
        frame = heard(socket)
    assert (frame["topic"], frame["data"]["mission"]) == (f"mission:{followed.key}", followed.key)


def test_a_reader_that_comes_back_gets_what_it_missed_once_and_in_order(served: str, token: str) -> None:
    with opened(served, token, "?topics=missions") as socket:
        heard(socket)
        some_mission()
        last = heard(socket)["id"]
    missed = [some_mission().key for _ in range(5)]
    with opened(served, token, f"?topics=missions&after={last}") as socket:
        later = some_mission().key
        reading = frames(socket)
        got = [next(reading)["data"]["mission"] for _ in range(6)]
    assert got == [*missed, later]


def test_a_burst_of_writers_is_heard_whole(served: str, token: str) -> None:
    made: list[str] = []

    def write() -> None:
        made.extend(some_mission().key for _ in range(25))
        connection.close()

    with opened(served, token, "?topics=missions") as socket:
        heard(socket)
        writers = [threading.Thread(target=write) for _ in range(4)]
        for each in writers:
            each.start()
        for each in writers:
            each.join()
        reading = frames(socket)
        got = [next(reading)["data"]["mission"] for _ in range(100)]
    assert sorted(got) == sorted(made)


def test_two_web_processes_both_tell(committed_db: str, token: str) -> None:
    query = "?topics=missions"
    with (
        serve(committed_db) as one,
        serve(committed_db) as two,
        opened(one, token, query) as first,
        opened(two, token, query) as second,
    ):
        heard(first)
        heard(second)
        key = some_mission().key
        assert heard(first)["data"]["mission"] == heard(second)["data"]["mission"] == key


@pytest.mark.parametrize("secret", [None, "coord_00000000_nothing", "nonsense"])
def test_without_a_valid_token_the_socket_is_closed(served: str, secret: str | None) -> None:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    address = served.replace("http", "ws", 1) + "/ws/stream?topics=missions"
    with connect(address, additional_headers=headers) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=SOON_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_topic_that_the_scopes_do_not_cover_is_refused_and_not_told(served: str, committed_db: str) -> None:
    narrow = token_of(service(), scopes=["knowledge:read"])
    with opened(served, narrow) as socket:
        socket.send(json.dumps({"subscribe": ["missions"]}))
        assert heard(socket)["event"] == "error"
        socket.send(json.dumps({"subscribe": ["knowledge"]}))
        assert heard(socket)["event"] == "subscribed"
        some_mission()
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)


@pytest.mark.parametrize("message", ["", "[]", '{"subscribe": "missions"}', '{"subscribe": ["nowhere"]}', "\u0000"])
def test_what_is_not_understood_is_said_and_the_socket_stays(served: str, token: str, message: str) -> None:
    with opened(served, token) as socket:
        socket.send(message)
        assert heard(socket)["event"] == "error"
        socket.send(json.dumps({"subscribe": ["missions"]}))
        assert heard(socket)["event"] == "subscribed"
