"""`GET /api/stream` of a real web process: the socket's frames as Server-Sent Events, to those who may read them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from accounts.models import ApiToken
from coordinator.reading import MOST_TOPICS
from missions.models import Mission
from missions.services import planning
from tests.factories import person, token_of, unique
from tests.serving import serve
from traceability.events import SYSTEM

SOON_S = 20


@pytest.fixture
def token(committed_db: str) -> str:
    return token_of(person("operator"))


class Reading:
    """An open stream, read event by event."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.lines: Iterator[str] = response.iter_lines(chunk_size=1, decode_unicode=True)

    def event(self) -> dict[str, Any]:
        """The next event, with `id` as the stream names it beside the frame; comments count for nothing."""
        found: dict[str, Any] = {}
        for line in self.lines:
            name, _, value = line.partition(": ")
            if line and name:
                found[name] = value
            elif not line and "data" in found:
                return {**json.loads(found["data"]), "named": found.get("id")}
        raise EOFError("the stream has ended")


def asked(served: str, token: str | None, query: str = "", **headers: str) -> requests.Response:
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{served}/api/stream{query}", headers={**bearer, **headers}, stream=True, timeout=SOON_S)


@contextmanager
def opened(served: str, token: str, query: str, **headers: str) -> Iterator[Reading]:
    with asked(served, token, query, **headers) as response:
        assert response.status_code == 200, response.text
        reading = Reading(response)
        assert reading.event()["event"] == "subscribed"
        yield reading


def opens(served: str, token: str, query: str) -> bool:
    with asked(served, token, query) as response:
        return response.status_code == 200


def some_mission() -> Mission:
    return planning.create_mission(mission_id=unique("m"), goal="Be heard", actor=SYSTEM, now=timezone.now())


def test_a_change_is_told_after_its_commit_as_a_frame_with_its_id(served: str, token: str) -> None:
    with opened(served, token, "?topics=missions") as reading:
        assert reading.response.headers["Content-Type"] == "text/event-stream"
        assert reading.response.headers["Cache-Control"] == "no-store"
        mission = some_mission()
        frame = reading.event()
    assert set(frame) == {"id", "topic", "event", "at", "data", "named"}
    assert (frame["event"], frame["topic"], frame["named"]) == ("mission.created", "missions", str(frame["id"]))
    assert frame["data"]["mission"] == mission.key


def test_one_mission_is_followed_by_its_key(served: str, token: str) -> None:
    followed, other = some_mission(), some_mission()
    with opened(served, token, f"?topics=mission:{followed.key}") as reading:
        for each in (other, followed):
            planning.revise_mission(each, expected=None, actor=SYSTEM, now=timezone.now(), goal="Another goal")
        frame = reading.event()
    assert (frame["topic"], frame["data"]["mission"]) == (f"mission:{followed.key}", followed.key)


@pytest.mark.parametrize("how", ["after", "Last-Event-ID"])
def test_who_comes_back_gets_what_was_missed_once_and_in_order(served: str, token: str, how: str) -> None:
    with opened(served, token, "?topics=missions") as reading:
        some_mission()
        last = reading.event()["named"]
    missed = [some_mission().key for _ in range(5)]
    query = f"&after={last}" if how == "after" else ""
    headers = {} if how == "after" else {"Last-Event-ID": last}
    with opened(served, token, f"?topics=missions{query}", **headers) as reading:
        later = some_mission().key
        assert [reading.event()["data"]["mission"] for _ in range(6)] == [*missed, later]


def test_from_the_beginning_while_others_write_everything_comes_once_and_in_order(served: str, token: str) -> None:
    made = [some_mission().key for _ in range(30)]

    def write() -> None:
        made.extend(some_mission().key for _ in range(25))
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for each in writers:
        each.start()
    with opened(served, token, "?topics=missions&after=0") as reading:
        got = [reading.event() for _ in range(130)]
    for each in writers:
        each.join()
    ids = [frame["id"] for frame in got]
    assert ids == sorted(set(ids))
    assert sorted(frame["data"]["mission"] for frame in got) == sorted(made)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?topics=", 400),
        ("?topics=nonsense", 400),
        ("?topics=mission:", 400),
        ("?topics=missions&colour=red", 400),
        ("?topics=missions&after=x", 400),
        ("?topics=missions&after=%C2%B2", 400),
        (f"?topics=missions&after={'9' * 5000}", 400),
        (f"?topics={','.join(['missions'] * (MOST_TOPICS + 1))}", 400),
        ("?topics=accounts", 403),
        ("?topics=mission:nowhere", 404),
        ("?topics=mission:%00", 404),
    ],
)
def test_what_cannot_be_followed_is_refused_before_the_stream_begins(
    served: str, token: str, query: str, status: int
) -> None:
    with asked(served, token, query) as response:
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("secret", [None, "coord_00000000_nothing"])
def test_a_stranger_hears_nothing(served: str, secret: str | None) -> None:
    with asked(served, secret, "?topics=missions") as response:
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_each_topic_demands_its_scope_and_so_does_each_entry(served: str) -> None:
    admin, mission = person("admin"), some_mission()
    narrow = token_of(admin, scopes=["missions:read"])
    with asked(served, narrow, "?topics=missions,tasks") as response:
        assert response.status_code == 403
    with opened(served, narrow, f"?topics=mission:{mission.key}") as reading:
        planning.create_task(mission=mission, objective="Not for you", actor=SYSTEM, now=timezone.now())
        planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), goal="For you")
        assert reading.event()["event"] == "mission.updated"


def test_a_heartbeat_keeps_a_quiet_stream_and_ends_that_of_a_revoked_token(served: str, token: str) -> None:
    query = "?topics=missions"
    with opened(served, token_of(person()), query) as kept, opened(served, token, query) as revoked:
        ApiToken.objects.filter(prefix="_".join(token.split("_")[:2])).update(revoked_at=timezone.now())
        with pytest.raises(EOFError):
            revoked.event()
        assert next(line for line in kept.lines if line) == ": alive"
        mission = some_mission()
        assert kept.event()["data"]["mission"] == mission.key


def test_a_credential_holds_so_many_streams_and_may_close_one_for_another(committed_db: str, token: str) -> None:
    query = "?topics=missions"
    with serve(committed_db, STREAMS_PER_CREDENTIAL="2") as address, opened(address, token, query):
        with opened(address, token, query):
            with asked(address, token, query) as refused:
                assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            with opened(address, token_of(person("viewer")), query):
                pass
        end = time.monotonic() + SOON_S
        while not opens(address, token, query):
            assert time.monotonic() < end


def test_who_was_told_nothing_yet_comes_back_to_where_the_stream_began(served: str, token: str) -> None:
    some_mission()
    with asked(served, token, "?topics=missions") as response:
        begun = Reading(response).event()["named"]
    missed = some_mission().key
    with opened(served, token, "?topics=missions", **{"Last-Event-ID": begun}) as reading:
        assert reading.event()["data"]["mission"] == missed


def test_more_streams_than_connections_leave_the_server_free(committed_db: str, token: str) -> None:
    with serve(committed_db, DATABASE_POOL_SIZE="2") as address, ExitStack() as held:
        readings = [held.enter_context(opened(address, token, "?topics=missions&after=0")) for _ in range(8)]
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{address}/api/missions", headers=headers, timeout=SOON_S).status_code == 200
        mission = some_mission()
        assert {each.event()["data"]["mission"] for each in readings} == {mission.key}
