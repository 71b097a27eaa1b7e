"""A mission as it was, on its page: the board of a moment, and what came between two, in words."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coordinator.dashboard import past_changes
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission
from missions.replaying import folding, snapshots
from missions.replaying.state import State
from missions.services import taking_part
from tests.factories import person
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(person("viewer"))
    return client


def page(viewer: Client, mission: Mission, query: str = "") -> str:
    answer = viewer.get(f"/missions/{mission.key}?tab=replay{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_the_board_of_the_moment_in_the_address(viewer: Client) -> None:
    row = world.task(objective="Move the invoices")
    early = Entry.objects.of_task(row.pk).latest("pk")
    world.lead(row, TaskStatus.BLOCKED)
    last = Entry.objects.in_stream(f"mission:{row.mission_id}").count()
    now, then = page(viewer, row.mission), page(viewer, row.mission, f"&at={early.pk}")
    assert (f'max="{last}"' in now, f'value="{last}"' in now) == (True, True)
    assert f'value="{early.seq}"' in then
    assert ("task-card t-blocked" in now, "task-card t-blocked" in then) == (True, False)
    assert "task-card t-idle" in then
    assert page(viewer, row.mission, f"&seq={early.seq}").count("task-card") == then.count("task-card")


@pytest.mark.parametrize("query", ["&at=x", "&seq=-5", "&seq=99999999", "&at=0", "&with=%00", "&at=9" + "9" * 40])
def test_an_odd_address_shows_a_moment_that_there_is(viewer: Client, query: str) -> None:
    assert "As it was" in page(viewer, world.task().mission, query)


@pytest.mark.parametrize("query", ["&at=abc", "&at=999999999", "&seq=99999", "&seq=x"])
def test_a_moment_that_is_not_found_is_said_to_be_the_end(viewer: Client, query: str) -> None:
    assert "That moment was not found; this is the end." in page(viewer, world.task().mission, query)


def test_an_entry_of_another_mission_is_not_taken_for_a_moment_of_this_one(viewer: Client) -> None:
    mission = world.task().mission
    foreign = Entry.objects.in_stream(f"mission:{world.mission().pk}").earliest("seq")
    world.task(mission)
    said = page(viewer, mission, f"&at={foreign.pk}&with={foreign.pk}")
    assert "That moment was not found; this is the last one before it." in said
    assert "The moment to compare with was not found; compared is the last one before it." in said
    assert "The moment to compare with was not found." in page(viewer, mission, "&with=abc")


def test_a_moment_that_there_is_needs_no_word(viewer: Client) -> None:
    mission = world.task().mission
    entry = Entry.objects.in_stream(f"mission:{mission.pk}").earliest("seq")
    for query in ("", "&at=&seq=", f"&at={entry.pk}&with={entry.pk}", "&seq=1&with_seq=2"):
        assert "not found" not in page(viewer, mission, query), query


def test_a_stranger_does_not_look_back() -> None:
    answer = Client().get(f"/missions/{world.mission().key}?tab=replay")
    assert (answer.status_code, "login" in answer["Location"]) == (302, True)


def test_a_mission_that_cannot_be_replayed_says_why_and_the_page_opens(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = world.task()
    entry = Entry.objects.of_task(row.pk).latest("pk")
    snapshots.SHELF.clear()
    with monkeypatch.context() as patched:
        patched.delitem(folding.REDUCERS, entry.kind)
        text = page(viewer, row.mission, f"&seq={entry.seq}&with_seq=1")
    assert "This mission cannot be replayed." in text
    assert f"Entry {entry.seq} of mission:{row.mission_id}" in text


def test_two_moments_are_told_apart_in_words(viewer: Client) -> None:
    mission = world.mission(MissionStatus.PLANNING)
    begun = Entry.objects.in_stream(f"mission:{mission.pk}").latest("seq")
    agent = world.agent(agent_id="amber")
    taking_part.join(mission, agent, role="lead", actor=SYSTEM, now=timezone.now())
    world.task(mission, objective="Copy the totals")
    for query in (f"&with={begun.pk}", f"&at={begun.pk}&with_seq=9999"):
        text = page(viewer, mission, query)
        assert "What came between" in text
        assert "amber joined as lead" in text
        assert "Copy the totals" in text
        assert "1 added" in text


def task(**fields: Any) -> dict[str, Any]:
    own = {"task_id": "t", "objective": "Write it", "priority": 1, **fields.pop("fields", {})}
    usual: dict[str, Any] = {
        "fields": own, "status": "pending", "agent": None, "percent": 0, "outputs": {}, "attempts": 0, "reports": 0,
        "reviews": {"approved": 0, "rejected": 0}, "cost_usd": Decimal(0), "depends_on": [], "requirements": [],
    }  # fmt: skip
    return {**usual, **fields}


def test_everything_that_changed_of_a_task_is_said_once() -> None:
    after = task(
        fields={"objective": "Write it well", "priority": 3}, status="rejected", agent="amber", percent=80,
        outputs={"pr_url": "x"}, attempts=2, reports=2, reviews={"approved": 0, "rejected": 1},
        cost_usd=Decimal("1.5"), depends_on=["u"],
    )  # fmt: skip
    told = past_changes.of_tasks(State(tasks={1: task(), 2: task()}), State(tasks={1: after, 2: task()}))
    assert told["counts"] == [("moved", 1)]
    assert told["tasks"][0]["words"] == (
        "agent nobody → amber; 0 % → 80 %; changed objective, priority; new outputs; other depends on; attempt 2; "
        "2 reports; sent back; $1.50 spent"
    )


def test_many_changed_tasks_are_listed_up_to_a_number_and_counted() -> None:
    tasks = {pk: task() for pk in range(100)}
    told = past_changes.of_tasks(State(), State(tasks=tasks))
    assert (len(told["tasks"]), told["more"], told["counts"]) == (60, 40, [("added", 100)])


def test_everything_that_changed_of_a_mission_is_said() -> None:
    first = State(
        status="planning", fields={"goal": "a"}, participants={"agent:amber": "lead", "member:b@x.org": "observer"}
    )
    second = State(
        status="active",
        fields={"goal": "b"},
        participants={"agent:amber": "reviewer", "agent:birch": "lead"},
        process={"state": "running", "host": "vm"},
        decisions={1: {"outcome": "warn"}, 2: {"outcome": "warn"}},
        approvals={1: {"state": "pending"}},
        executions={1: {"state": "failed"}},
        advisories={1: {"resolved": True}},
        cost_usd=Decimal("2"),
    )
    assert past_changes.of_mission(first, second) == [
        ("State", "Planning → Active"),
        ("Process", "Stopped → Running"),
        ("Cost", "$2.00 more: $0.00 → $2.00"),
        ("Taking part", "birch joined as lead; b left; amber is reviewer, was lead"),
        ("Changed", "goal"),
        ("Decisions", "2 warn"),
        ("Approvals", "1 asked for"),
        ("Runs", "1 failed"),
        ("Advice", "1 withdrawn"),
    ]
