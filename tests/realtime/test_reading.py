"""What a reader of the live stream may rely on: order, nothing twice, bounds, and sense in answer to nonsense."""

import itertools
import json
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from coordinator import catching_up
from missions.services import planning
from tests.factories import person, token_of, unique
from tests.realtime.test_stream import frames, heard, opened, some_mission
from tests.serving import serve
from traceability.events import SYSTEM
from traceability.models import Entry


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


def asked(socket: ClientConnection, message: Any) -> dict[str, Any]:
    socket.send(json.dumps(message))
    return heard(socket)


def at_once(writers: int, do: Any) -> list[threading.Thread]:
    def run() -> None:
        do()
        connection.close()

    started = [threading.Thread(target=run) for _ in range(writers)]
    for each in started:
        each.start()
    return started


def test_who_catches_up_while_others_write_gets_all_once_and_in_order(served: str, token: str) -> None:
    for _ in range(60):
        some_mission()
    started = at_once(4, lambda: [some_mission() for _ in range(30)])
    with opened(served, token, "?topics=missions&after=0") as socket:
        got = [frame["id"] for frame in itertools.islice(frames(socket), 180)]
        for each in started:
            each.join()
    told = Entry.objects.filter(kind="mission.created").order_by("pk").values_list("pk", flat=True)
    assert got == list(told)


def test_a_topic_added_later_tells_nothing_again(served: str, token: str) -> None:
    missions = [some_mission() for _ in range(3)]
    with opened(served, token, "?topics=missions&after=0") as socket:
        first = [frame["id"] for frame in itertools.islice(frames(socket), 3)]
        named = [f"mission:{mission.key}" for mission in missions]
        assert asked(socket, {"subscribe": named, "after": 0})["event"] == "subscribed"
        planning.revise_mission(missions[1], expected=None, actor=SYSTEM, now=timezone.now(), goal="Another")
        frame = heard(socket)
    assert frame["event"] == "mission.updated"
    assert frame["topic"] == named[1]
    assert frame["id"] > max(first)


def test_a_topic_followed_again_from_further_back_tells_what_was_not_told(served: str, token: str) -> None:
    earlier = some_mission()
    with opened(served, token, "?topics=missions") as socket:
        heard(socket)
        later = some_mission()
        assert heard(socket)["data"]["mission"] == later.key
        assert asked(socket, {"subscribe": ["missions"], "after": 0})["event"] == "subscribed"
        assert heard(socket)["data"]["mission"] == earlier.key
        last = some_mission()
        assert heard(socket)["data"]["mission"] == last.key


def test_an_id_that_the_ledger_never_gave_is_answered_with_reset(served: str, token: str) -> None:
    with opened(served, token, "?topics=missions&after=999999999") as socket:
        assert heard(socket)["event"] == "subscribed"
        assert heard(socket) == {"event": "reset"}
        mission = some_mission()
        assert heard(socket)["data"]["mission"] == mission.key


ODD = [
    '{"subscribe": ["missions"], "after": "²"}',
    '{"subscribe": ["missions"], "after": ' + "9" * 5000 + "}",
    '{"subscribe": ["missions"], "after": "' + "9" * 5000 + '"}',
    '{"subscribe": ["missions"], "after": -1}',
    '{"subscribe": ["missions"], "after": true}',
    "[" * 60000,
    '{"subscribe": ["mission:\\ud800"]}',
    '{"subscribe": ["mission:\\u0000"]}',
    '{"subscribe": ["mission:' + "9" * 100 + '"]}',
    '{"subscribe": ["mission:²"]}',
    '{"subscribe": [{"a": 1}, null]}',
    json.dumps({"subscribe": [f"mission:{number}" for number in range(3000)]}),
]


def test_what_no_one_should_send_is_said_and_the_socket_stays(served: str, token: str) -> None:
    with opened(served, token) as socket:
        for message in ODD:
            socket.send(message)
            assert heard(socket)["event"] == "error", message[:80]
        assert asked(socket, {"subscribe": ["missions"]})["event"] == "subscribed"


@pytest.mark.parametrize("query", ["?topics=missions&after=%C2%B2", "?topics=mission:%ED%A0%80", "?topics=mission:%00"])
def test_an_odd_address_is_said_too(served: str, token: str, query: str) -> None:
    with opened(served, token, query) as socket:
        assert heard(socket)["event"] == "error"


@pytest.mark.django_db
def test_a_hundred_topics_cost_one_query_for_each_kind_of_thing(django_assert_num_queries: Any) -> None:
    missions = [
        planning.create_mission(mission_id=unique("m"), goal="Be heard", actor=SYSTEM, now=timezone.now())
        for _ in range(3)
    ]
    names = [f"mission:{each.key}" for each in missions] + [f"mission:{missions[0].pk}", "task:none", "missions"]
    with django_assert_num_queries(2):
        found = catching_up.resolve(names)
    topics = [f"mission:{each.pk}" for each in missions]
    assert found == dict(zip(names, [*topics, topics[0]], strict=False)) | {"missions": "missions"}


def test_a_credential_holds_so_many_streams_and_no_more(committed_db: str, token: str) -> None:
    with serve(committed_db, STREAMS_PER_CREDENTIAL="2") as served:
        with opened(served, token, "?topics=missions") as first, opened(served, token, "?topics=missions") as second:
            assert heard(first)["event"] == heard(second)["event"] == "subscribed"
            with opened(served, token, "?topics=missions") as third:
                assert heard(third)["event"] == "error"
                with pytest.raises(ConnectionClosed) as closed:
                    third.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4429
            with opened(served, token_of(person()), "?topics=missions") as other:
                assert heard(other)["event"] == "subscribed"
        with opened(served, token, "?topics=missions") as again:
            assert heard(again)["event"] == "subscribed"
