"""A mission whose entries were archived reads as before; where its file is away, everything says so."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from coordinator import catching_up
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import planning, steering
from sprints.services import opening
from tests.factories import client_of, person
from tests.missions import archives, world
from tests.missions.archives import archive, stream
from traceability.events import SYSTEM, Actor
from traceability.models import Entry
from traceability.services import archiving as moving

pytestmark = pytest.mark.breaks_history
"""The files of a test are gone before the trace is compared with the rows."""


@pytest.fixture(autouse=True)
def directory(committed_db: str, settings: Any, tmp_path: Path) -> Path:
    """Where the files go; what is archived was committed before."""
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return tmp_path / "archive"


@pytest.fixture
def ended(directory: Path) -> Mission:
    return archives.ended()


@pytest.fixture
def operator(directory: Path) -> APIClient:
    return client_of(person("operator"))


@pytest.fixture
def reader(directory: Path) -> Client:
    client = Client()
    client.force_login(person("viewer"))
    return client


def pages(client: APIClient, address: str) -> list[dict[str, Any]]:
    """Every entry of a list, page by page."""
    found = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.data
        found += answer.data["results"]
        address = answer.data["next"]
    return found


QUERIES: list[Callable[[Mission], str]] = [
    lambda _: "",
    lambda _: "event=task.moved",
    lambda _: "event=task,mission.created",
    lambda _: "actor=coordinator",
    lambda mission: f"task={mission.key}-second",
    lambda mission: f"task={Task.objects.get(task_id=f'{mission.key}-first').pk}",
    lambda _: "task=nobody",
    lambda _: "after=2020-01-01T00:00:00Z&before=2100-01-01T00:00:00Z",
    lambda _: "before=2020-01-01T00:00:00Z",
    lambda _: "after=0001-01-01T00:00:00%2B14:00&before=9999-12-31T23:59:59-14:00",
    lambda _: "after=0999-01-01T00:00:00Z",
    lambda _: "agent=99999999999999999999",
]


@pytest.mark.parametrize("most", [10_000, 5], ids=["one file", "several files"])
def test_the_trace_answers_as_before(
    operator: APIClient, ended: Mission, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST_ENTRIES", most)
    addresses = [f"/api/missions/{ended.key}/trace?page_size=4&{query(ended)}" for query in QUERIES]
    before = [pages(operator, address) for address in addresses]
    archive(mission=[ended.key], closed_for=0)
    assert not Entry.objects.in_stream(stream(ended)).exists()
    for address, told in zip(addresses, before, strict=True):
        assert (address, pages(operator, address)) == (address, told)


def test_the_trace_pages_back_over_the_border_between_file_and_table(operator: APIClient, ended: Mission) -> None:
    before = pages(operator, f"/api/missions/{ended.key}/trace")
    archive(mission=[ended.key], closed_for=0)
    told_late(ended)
    address = f"/api/missions/{ended.key}/trace?page_size=3"
    forwards = pages(operator, address)
    assert forwards[: len(before)] == before
    assert [each["event"] for each in forwards[len(before) :]] == ["mission.updated"] * 2
    last = operator.get(address)
    while last.data["next"]:
        last = operator.get(last.data["next"])
    backwards, page = list(last.data["results"]), last
    while page.data["previous"]:
        page = operator.get(page.data["previous"])
        backwards = [*page.data["results"], *backwards]
    assert backwards == forwards


def told_late(mission: Mission) -> None:
    """Two entries of a mission that was archived."""
    for text in ("late", "later"):
        planning.revise_mission(mission, description=text, expected=None, actor=SYSTEM, now=timezone.now())


def test_the_global_trace_covers_what_is_in_the_table(operator: APIClient, ended: Mission) -> None:
    archive(mission=[ended.key], closed_for=0)
    listed = pages(operator, f"/api/trace?mission={ended.pk}&page_size=500")
    assert listed == []
    assert "archived" in operator.get("/api/schema?format=json").content.decode()


def test_the_pages_show_an_archived_mission_as_before(reader: Client, ended: Mission) -> None:
    addresses = [
        f"/missions/{ended.pk}?tab=trace",
        f"/missions/{ended.pk}?tab=timeline&window=all",
        f"/tasks/{Task.objects.get(task_id=f'{ended.key}-second').pk}",
    ]
    before = [shown(reader, address) for address in addresses]
    archive(mission=[ended.key], closed_for=0)
    assert [shown(reader, address) for address in addresses] == before


def shown(client: Client, address: str) -> list[str]:
    """What a page tells: the lines of its feeds, the steps of a task's way, the lanes of a timeline."""
    answer = client.get(address)
    assert answer.status_code == 200
    parts: Any = answer.context
    told = [line for part in parts for name in ("entries", "events", "steps", "lanes") for line in part.get(name) or []]
    assert told
    return [str(line) for line in told]


def test_the_slider_shows_the_board_of_an_archived_mission_as_it_was(reader: Client, ended: Mission) -> None:
    address = f"/missions/{ended.pk}?tab=replay&seq=7&with_seq=3"
    before = words(reader.get(address))
    archive(mission=[ended.key], closed_for=0)
    assert words(reader.get(address)) == before


def words(answer: Any) -> list[str]:
    """What a page says, without its markup."""
    assert answer.status_code == 200
    main = re.search(r"<main.*</main>", answer.content.decode(), re.DOTALL)
    assert main is not None
    return re.sub(r"<[^>]*>", " ", main.group()).split()


def test_a_missing_file_is_said_on_the_page_and_by_the_api(
    reader: Client, operator: APIClient, ended: Mission, directory: Path
) -> None:
    task = Task.objects.get(task_id=f"{ended.key}-first")
    archive(mission=[ended.key], closed_for=0)
    for file in directory.iterdir():
        file.unlink()
    answer = operator.get(f"/api/missions/{ended.key}/trace")
    assert answer.status_code == 503
    assert answer.data["title"] == "Entries of this stream were archived, and their file is not here"
    assert f"mission-{ended.pk}-1-" in answer.data["detail"]
    assert str(directory) not in answer.data["detail"]
    assert operator.post(f"/api/missions/{ended.key}/replay", {}, format="json").status_code == 503
    tabs = [f"/missions/{ended.pk}?tab={tab}" for tab in ("trace", "timeline", "replay", "replay&seq=3&with_seq=5")]
    for address in (*tabs, f"/tasks/{task.pk}"):
        page = reader.get(address)
        assert page.status_code == 200
        assert b"their file is not here" in page.content
    page = reader.get(f"/missions/{ended.pk}?tab=replay&at=1")
    assert (page.status_code, b"their file is not here" in page.content) == (503, True)


def test_an_archived_mission_replays_from_its_file(operator: APIClient, ended: Mission) -> None:
    address = f"/api/missions/{ended.key}/replay"
    middle = Entry.objects.in_stream(stream(ended))[5]
    asked: list[dict[str, Any]] = [{}, {"until": middle.pk}, {"until": middle.recorded_at.isoformat()}]
    before = [operator.post(address, body, format="json").data for body in asked]
    archive(mission=[ended.key], closed_for=0)
    assert [operator.post(address, body, format="json").data for body in asked] == before
    assert before[0]["matches_current"] is True
    told_late(ended)
    after = operator.post(address, {}, format="json").data
    assert after["matches_current"] is True
    assert after["entries"] == before[0]["entries"] + 2


def test_who_was_at_the_work_does_not_review_it_also_after_the_archive() -> None:
    made, writer = world.mission(four_eyes=True), person("operator")
    client, actor = client_of(writer), Actor("person", writer.pk, str(writer))
    task = planning.create_task(
        mission=made, objective="Write it", outputs={"text": "mine"}, actor=actor, now=timezone.now()
    )
    world.lead(task, TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW)
    steering.move_mission(made, MissionStatus.CANCELLED, expected=None, actor=SYSTEM, now=timezone.now())
    approve = f"/api/tasks/{task.pk}/approve"
    assert client.post(approve, {}, format="json").status_code == 403
    archive(mission=[made.key], closed_for=0)
    assert client.post(approve, {}, format="json").status_code == 403


def test_a_sprint_counts_the_tasks_of_an_archived_mission(operator: APIClient, ended: Mission, directory: Path) -> None:
    archive(mission=[ended.key], closed_for=0)
    (directory / f"mission-{ended.pk}-1-{Entry.objects.latest('pk').data['last_seq']}.jsonl.gz").unlink()
    today, now = timezone.now().date(), timezone.now()
    sprint = opening.create_sprint(name="One", start_date=today, end_date=today, actor=SYSTEM, now=now)
    sprint = opening.start_sprint(sprint, expected=None, actor=SYSTEM, now=now)
    made, other = world.mission(), world.mission()
    world.task(made, TaskStatus.COMPLETED, sprint=sprint)
    world.task(made, sprint=sprint)
    world.task(other, TaskStatus.COMPLETED, sprint=sprint)
    steering.move_mission(made, MissionStatus.CANCELLED, expected=None, actor=SYSTEM, now=timezone.now())
    addresses = [f"/api/sprints/{sprint.pk}/burndown", "/api/sprints/velocity"]
    opening.complete_sprint(sprint, expected=None, actor=SYSTEM, now=timezone.now())
    before = [operator.get(address).data for address in addresses]
    archive(mission=[made.key], closed_for=0)
    assert [operator.get(address).data for address in addresses] == before
    assert before[1]["average"] == 2


def test_a_reader_that_resumes_from_before_an_archived_entry_is_told_to_start_anew(ended: Mission) -> None:
    first = Entry.objects.in_stream(stream(ended))[0].pk
    newest = Entry.objects.latest("pk").pk
    assert catching_up.reaches(first, newest)
    archive(mission=[ended.key], closed_for=0)
    newest = Entry.objects.latest("pk").pk
    assert not catching_up.reaches(first, newest)
    assert catching_up.reaches(newest, newest)
