"""The live stream: each topic is open to its scope alone, on the very topics that the contract names."""

import json
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from accounts import roles
from tests.factories import person, token_of
from tests.missions import world
from traceability import topics

SOON_S = 10
TOPICS = {
    "missions": "missions:read",
    "tasks": "tasks:read",
    "agents": "agents:read",
    "objectives": "planning:read",
    "requirements": "planning:read",
    "sprints": "sprints:read",
    "policies": "policies:read",
    "approvals": "policies:read",
    "advisories": "missions:read",
    "knowledge": "knowledge:read",
    "accounts": "accounts:admin",
    "presence": "agents:read",
    "outputs": "tasks:read",
    "mission:{mission}": "missions:read",
    "task:{task}": "tasks:read",
    "agent:{agent}": "agents:read",
}


def opened(served: str, token: str) -> ClientConnection:
    address = served.replace("http", "ws", 1) + "/ws/stream"
    return connect(address, additional_headers={"Authorization": f"Bearer {token}"})


def asked(socket: ClientConnection, topic: str) -> str:
    socket.send(json.dumps({"subscribe": [topic]}))
    found: dict[str, Any] = json.loads(socket.recv(timeout=SOON_S))
    return str(found["event"])


def test_each_topic_opens_to_its_scope_and_to_no_other(served: str) -> None:
    task, agent, admin = world.task(), world.agent(), person("admin")
    names = {"mission": task.mission.key, "task": task.key, "agent": agent.key}
    for scope in sorted({*TOPICS.values(), "trace:read"}):
        with opened(served, token_of(admin, scopes=[scope])) as socket:
            told = {topic: asked(socket, topic.format(**names)) for topic in TOPICS}
        assert told == {topic: "subscribed" if TOPICS[topic] == scope else "error" for topic in TOPICS}


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_each_role_hears_what_it_may_read(served: str, role: str) -> None:
    with opened(served, token_of(person(role))) as socket:
        heard = {topic for topic in TOPICS if ":" not in topic and asked(socket, topic) == "subscribed"}
    assert heard == {topic for topic, scope in TOPICS.items() if ":" not in topic and scope in roles.ROLES[role]}


def test_every_topic_has_a_row() -> None:
    assert {topic for topic in TOPICS if ":" not in topic} == set(topics.SCOPES)
    assert {topic.split(":")[0] for topic in TOPICS if ":" in topic} == set(topics.SINGULAR)
