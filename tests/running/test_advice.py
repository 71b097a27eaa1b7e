"""Advisories: each opens once for its cause, says why, and resolves itself when the cause is gone."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from agents.models import Agent
from missions.advice import findings
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Execution, Task
from missions.services import beginning, executing, running, steering
from missions.supervision import adviser
from tests.advice import causes
from tests.advice.causes import CAUSES, LATER, SOON
from tests.factories import client_of, person
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def review(after: timedelta = LATER) -> tuple[int, int]:
    now: datetime = timezone.now() + after
    return adviser.review(now=now)


def test_every_kind_of_advice_has_a_test() -> None:
    assert {*CAUSES, findings.POLICY} == set(findings.KINDS)


@pytest.mark.parametrize("kind", CAUSES)
def test_an_advisory_opens_once_and_resolves_itself(kind: str) -> None:
    after = timedelta(seconds=1) if kind in SOON else LATER
    mend = CAUSES[kind]()
    assert review(after) == (1, 0)
    assert review(after) == (0, 0)
    advisory = Advisory.objects.get()
    assert (advisory.kind, advisory.resolved_at) == (kind, None)
    assert advisory.message.endswith(".") or kind in {"process_crashed", "same_files"}
    assert "{mission}" not in advisory.message
    assert advisory.evidence
    assert advisory.cause.startswith(kind)
    mend()
    assert review(after) == (0, 1)
    told = Entry.objects.of_kind("advisory").order_by("id").values_list("kind", flat=True)
    assert list(told) == ["advisory.opened", "advisory.resolved"]


@pytest.mark.parametrize(
    "kind", sorted(CAUSES.keys() - SOON - {"budget", "overdue", "looping_agent", "process_crashed"})
)
def test_nothing_is_said_before_it_is_time(kind: str) -> None:
    CAUSES[kind]()
    assert review(timedelta(seconds=1)) == (0, 0)


def test_work_that_we_run_ourselves_is_neither_stalled_nor_silent() -> None:
    agent = world.agent(adapter_module="claude_cli")
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
    execution = executing.request_execution(world.task(agent=agent), actor=SYSTEM, now=timezone.now())
    assert beginning.begin(execution.pk, host="here", now=timezone.now())
    assert review() == (0, 0)
    with ledger.writing():
        running.end(running.locked(execution.pk), running.Ended(state=Execution.State.FAILED), now=timezone.now())
    assert review() == (2, 0)


def test_the_highest_step_of_a_budget_is_the_one_that_counts() -> None:
    mission = world.mission(budget_usd=10)
    found = []
    for more in ("4.99", "0.01", "3", "2", "2"):
        causes.spend(mission, more)
        review()
        found.append([each.evidence["step_percent"] for each in Advisory.objects.open()])
    assert found == [[], [50], [80], [100], [100]]


@pytest.mark.parametrize("status", [MissionStatus.PAUSED, MissionStatus.COMPLETED, MissionStatus.CANCELLED])
def test_the_advice_on_a_mission_that_is_not_active_any_more_is_withdrawn(status: MissionStatus) -> None:
    task = world.task(status=TaskStatus.IN_PROGRESS)
    assert review() == (1, 0)
    steering.move_mission(task.mission, status, expected=None, actor=SYSTEM, now=timezone.now())
    assert review() == (0, 1)


def test_the_budget_and_the_deadline_of_a_paused_mission_are_watched_on() -> None:
    mission = world.mission(budget_usd=10, deadline=timezone.now())
    causes.spend(mission, "9")
    assert review() == (2, 0)
    steering.move_mission(mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())
    assert review() == (0, 0)
    causes.revise(mission, budget_usd=9)
    assert review() == (1, 1)
    steering.move_mission(mission, MissionStatus.CANCELLED, expected=None, actor=SYSTEM, now=timezone.now())
    assert review() == (0, 2)


def test_people_acknowledge_advisories_over_the_api() -> None:
    causes.overspent()
    review()
    advisory = Advisory.objects.get()
    operator = client_of(person("operator"))
    [shown] = operator.get("/api/advisories?open=true").json()["results"]
    assert (shown["kind"], shown["severity"]) == ("budget", "warning")
    answer = operator.post(f"/api/advisories/{advisory.pk}/acknowledge")
    assert answer.status_code == 200
    assert answer.json()["acknowledged_by"]
    assert client_of(person("viewer")).post(f"/api/advisories/{advisory.pk}/acknowledge").status_code == 403
    agent = world.agent()
    assert world.token_client(agent).post(f"/api/advisories/{advisory.pk}/acknowledge").status_code == 403


def test_a_task_is_not_touched_by_advice() -> None:
    causes.chained()
    before = list(Task.objects.order_by("pk").values())
    review()
    assert list(Task.objects.order_by("pk").values()) == before
