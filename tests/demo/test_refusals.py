"""What the demo says when it cannot play, and what it leaves when it is stopped."""

import signal
from pathlib import Path

import pytest

from coordinator.demo import api as client
from coordinator.demo.api import Api
from tests import factories
from tests.demo.conftest import Demo

PATIENCE_S = 60


def last_line(demo: Demo, *words: str) -> str:
    process = demo(*words)
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    return told.strip().splitlines()[-1]


def test_without_a_server_the_demo_says_how_to_start_one(demo: Demo) -> None:
    told = last_line(demo, "--url", "http://127.0.0.1:9", "--token", "coord_x")
    assert told.startswith("CommandError: http://127.0.0.1:9 does not answer")
    assert "python manage.py up" in told


def test_without_a_token_the_demo_says_where_it_looked(demo: Demo, tmp_path: Path) -> None:
    assert f"There is no token in {tmp_path / 'admin.token'}" in last_line(demo)


def test_an_address_that_is_none_is_refused(demo: Demo) -> None:
    assert "is no address" in last_line(demo, "--url", "localhost", "--token", "coord_x")


def test_an_unknown_token_is_named_as_such(demo: Demo, served: str, tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("coord_00000000_unknown\n")
    assert "does not know this token" in last_line(demo, "--url", served)


def test_a_token_that_is_no_admins_is_refused(demo: Demo, served: str) -> None:
    token = factories.token_of(factories.person("operator"))
    assert "the demo needs an admin's token" in last_line(demo, "--url", served, "--token", token)


def test_an_agent_of_the_same_name_is_left_alone(demo: Demo, served: str, token: str, api: Api) -> None:
    api.post("/agents", {"agent_id": "ferris", "name": "Somebody else's"})
    assert "the demo leaves it alone" in last_line(demo, "--url", served, "--token", token)
    assert api.get("/agents/ferris")["name"] == "Somebody else's"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_day_that_is_stopped_leaves_nothing_half_done(
    demo: Demo, served: str, token: str, api: Api, how: signal.Signals
) -> None:
    process = demo("--url", served, "--token", token, "--minutes", "5")
    assert process.stdout is not None
    next(line for line in process.stdout if " claims " in line)
    process.send_signal(how)
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Stopped" in told
    assert {each["status"] for each in api.every("/missions")} == {"paused"}
    assert [each for each in api.every("/tasks") if each["status"] != "pending" or each["claimed_by"]] == []
    assert {each["status"] for each in api.every("/agents")} == {"offline"}
    assert len([each for each in api.every("/tokens") if not each["revoked_at"]]) == 1


def test_a_morning_that_is_stopped_leaves_no_mission_that_could_start(
    demo: Demo, served: str, token: str, api: Api
) -> None:
    process = demo("--url", served, "--token", token)
    assert process.stdout is not None
    next(line for line in process.stdout if " plans bcrypt" in line)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert {each["status"] for each in api.every("/missions")} == {"cancelled"}
    assert len([each for each in api.every("/tokens") if not each["revoked_at"]]) == 1


def test_a_refusal_tells_each_field_that_breaks_a_rule(served: str, token: str) -> None:
    with pytest.raises(client.Refused, match=r"goal: This field is required\."):
        Api(served, token).post("/missions", {})
