"""The page of processes, the index that counts nothing, and acts by a form."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from coordinator.dashboard import missions, operations
from missions.lifecycle import TaskStatus
from missions.models import Mission, MissionHost, MissionProcess
from missions.supervision.host import Host
from tests.factories import person
from tests.hosting.test_crashing import crash_until_parked, poison
from tests.hosting.test_host import Make, process_of, step
from tests.missions import world


@pytest.fixture
def parked(new_host: Make) -> Mission:
    """A mission whose process was parked, beside one that runs."""
    host = new_host("box-7")
    world.mission(goal="Goes on")
    bad = world.mission(mission_id="bad", goal="Falls over")
    step(host, 2)
    poison(bad)
    crash_until_parked(host, bad)
    return bad


@contextmanager
def asked() -> Iterator[list[str]]:
    """The statements of this block."""
    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def page(client: Client, path: str) -> str:
    cache.clear()
    return client.get(path).content.decode()


def sent(client: Client, body: str = "comment=", referer: str = "") -> Any:
    """What comes of the form that restarts the bad mission's process."""
    form = "application/x-www-form-urlencoded"
    return client.post("/missions/bad/do/restart", body, content_type=form, headers={"Referer": referer})


def row(mission: Mission) -> dict[str, Any]:
    return next(each for each in missions.index({}, 0)["missions"] if each["id"] == mission.pk)


def finish(mission: Mission, count: int) -> None:
    for _ in range(count):
        world.task(mission, TaskStatus.COMPLETED)


def test_the_index_is_served_from_what_processes_keep_and_counts_no_task(new_host: Make) -> None:
    task, host = world.task(status=TaskStatus.BLOCKED), new_host()
    step(host, 3)
    with asked() as statements:
        found = missions.index({}, 0)
    assert len(statements) == 1
    assert "missions_task" not in statements[0]
    assert (found["total"], found["missions"][0]["counts"], found["missions"][0]["stuck"]) == (1, {"blocked": 1}, 1)
    with asked() as statements:
        assert missions.index({"stuck": "1", "status": "active", "q": "release"}, 0)["total"] == 1
    assert len(statements) == 1
    assert missions.headline(task.mission.key)["counts"] == {"blocked": 1}


def test_only_missions_whose_standing_is_behind_are_counted(new_host: Make) -> None:
    task, other, host = world.task(), world.task(), new_host()
    step(host, 3)
    world.lead(task, TaskStatus.BLOCKED)
    with asked() as statements:
        counts = {each["id"]: each["counts"] for each in missions.index({}, 0)["missions"]}
    assert counts == {task.mission_id: {"blocked": 1}, other.mission_id: {"pending": 1}}
    assert len(statements) == 2
    assert missions.headline(task.mission.key)["counts"] == {"blocked": 1}


def test_a_forecast_and_what_misses_its_deadline_are_shown(new_host: Make) -> None:
    mission = world.mission(deadline=timezone.now() - timedelta(hours=1))
    host = new_host()
    finish(mission, 4)
    world.task(mission)
    assert row(mission)["finish"] is None, "nobody has folded it yet"
    step(host, 3)
    shown = row(mission)
    assert shown["finish"] is not None
    assert (shown["misses"], shown["burn"]) == (True, None)
    text = page(client_of("viewer"), f"/missions/{mission.key}")
    assert "Forecast" in text
    assert "85 % by" in text


@pytest.mark.breaks_history
def test_the_page_of_processes_shows_what_needs_a_look_with_its_trace(parked: Mission) -> None:
    found = operations.processes()
    assert [each["place"].state for each in found["processes"]] == ["parked", "running"]
    assert found["states"] == [("parked", "", 1), ("running", "", 1)]
    assert [each["host"].machine for each in operations.hosts(timezone.now())["hosts"]] == ["box-7"]
    text = page(client_of("operator"), "/operations")
    assert "Traceback (most recent call last)" in text
    assert 'formaction="/missions/bad/do/restart"' in text
    assert "do/restart" not in page(client_of("viewer"), "/operations")
    text = page(client_of("operator"), "/missions/bad")
    assert "crashed too often and is parked" in text
    assert 'formaction="/missions/bad/do/restart"' in text


def test_a_process_that_no_host_holds_and_a_host_without_a_lease_are_told(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    assert host.tenure is not None
    MissionHost.objects.update(lease_until=timezone.now() - timedelta(seconds=9))
    assert "Lease over" in page(client_of("viewer"), "/operations")
    MissionProcess.objects.update(owner=None)
    text = page(client_of("viewer"), "/operations")
    assert "Waits for a host" in text
    assert "Waits for a host" in page(client_of("viewer"), f"/missions/{mission.key}")


@pytest.mark.breaks_history
def test_a_browser_without_scripts_restarts_by_a_form_and_comes_back_to_its_page(parked: Mission) -> None:
    client = client_of("operator")
    for said in ("Done.", "there is nothing to restart"):
        answer = sent(client, referer="http://testserver/operations")
        assert (answer.status_code, answer.get("Location")) == (302, "http://testserver/operations")
        assert said in page(client, "/operations")
    assert process_of(parked).state == "starting"
    assert sent(client, referer="https://evil.example/")["Location"] == "/"


@pytest.mark.breaks_history
def test_a_form_needs_the_token_of_its_page(parked: Mission) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operator"))
    text = page(client, "/operations")
    token = text.partition('id="act"')[2].partition('value="')[2].partition('"')[0]
    assert sent(client).status_code == 403
    assert sent(client, f"csrfmiddlewaretoken={token}").status_code == 302
    assert process_of(parked).state == "starting"


@pytest.mark.breaks_history
def test_a_parked_process_is_restarted_over_the_api_and_in_the_admin(parked: Mission, new_host: Make) -> None:
    client = client_of("operator")
    changed = client.post(
        "/admin/missions/missionprocess/", {"action": "restart", "_selected_action": [parked.pk]}, follow=True
    )
    assert "1 processes start again." in changed.content.decode()
    assert process_of(parked).state == "starting"
    again = client.post("/admin/missions/mission/", {"action": "restart", "_selected_action": [parked.pk]}, follow=True)
    assert "there is nothing to restart" in again.content.decode()
    assert client.post("/api/missions/bad/restart", content_type="application/json").status_code == 422
    host: Host = new_host("box-8")
    MissionProcess.objects.filter(mission=parked).update(owner=None)
    crash_until_parked(host, parked)
    answer = client.post("/api/missions/bad/restart", content_type="application/json")
    assert (answer.status_code, answer.json()["process"]["state"]) == (200, "starting")
    assert client.post("/api/missions/bad/restart", {"odd": 1}, content_type="application/json").status_code == 422
