"""Advisories: each opens once for its cause, says why, and resolves itself when the cause is gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent
from missions import causes
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Execution, Mission, Task
from missions.services import advising, claiming, costing, executing, hosting, planning, running, steering
from tests.factories import client_of, person
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
LATER = timedelta(days=1)


def stalled() -> Callable[[], object]:
    task = world.task(status=TaskStatus.IN_PROGRESS)
    return lambda: world.lead(task, TaskStatus.PENDING)


def silent() -> Callable[[], object]:
    agent = world.agent()
    task = world.task(agent=agent)
    claiming.claim(task, agent, ttl_s=100_000_000, actor=SYSTEM, now=timezone.now() + LATER)
    world.lead(task, TaskStatus.IN_PROGRESS)
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
    return lambda: Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now() + LATER)


def unreviewed() -> Callable[[], object]:
    task = world.task(status=TaskStatus.PENDING_REVIEW)
    return lambda: world.lead(task, TaskStatus.REJECTED)


def overspent() -> Callable[[], object]:
    mission = world.mission(budget_usd=Decimal(10))
    _spend(mission, "8.10")
    return lambda: _revise(mission, budget_usd=Decimal(100))


def chained() -> Callable[[], object]:
    task = world.task(status=TaskStatus.BLOCKED)
    world.task(task.mission, depends_on=[task])
    return lambda: world.lead(task, TaskStatus.PENDING)


def late() -> Callable[[], object]:
    mission = world.mission(deadline=timezone.now())
    return lambda: _revise(mission, deadline=None)


def crashing() -> Callable[[], object]:
    mission, now = world.mission(), timezone.now()
    for _ in range(causes.CRASHES):
        hosting.take_wanted(host="here", now=now)
        hosting.crash(mission.pk, "Entry 7 is missing.", host="here", now=now)
        now += timedelta(minutes=10)
    return lambda: hosting.take_wanted(host="here", now=now)


WRONG = {
    "stalled_task": stalled,
    "silent_agent": silent,
    "review_waiting": unreviewed,
    "budget": overspent,
    "blocked_chain": chained,
    "overdue": late,
    "process_crashed": crashing,
}


def _spend(mission: Mission, cost_usd: str) -> None:
    costing.add_cost(
        mission=mission, task=None, cost_usd=Decimal(cost_usd), agent=None, actor=SYSTEM, now=timezone.now()
    )


def _revise(mission: Mission, **fields: Any) -> None:
    planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), **fields)


def review(after: timedelta = LATER) -> tuple[int, int]:
    now: datetime = timezone.now() + after
    return advising.review(now=now)


def test_every_kind_of_advice_has_a_test() -> None:
    assert set(WRONG) == set(causes.KINDS)


@pytest.mark.parametrize("kind", WRONG)
def test_an_advisory_opens_once_and_resolves_itself(kind: str) -> None:
    mend = WRONG[kind]()
    assert review() == (1, 0)
    assert review() == (0, 0)
    advisory = Advisory.objects.get()
    assert (advisory.kind, advisory.resolved_at) == (kind, None)
    assert advisory.message.endswith(".")
    assert advisory.evidence
    mend()
    assert review() == (0, 1)
    told = Entry.objects.of_kind("advisory").order_by("id").values_list("kind", flat=True)
    assert list(told) == ["advisory.opened", "advisory.resolved"]


@pytest.mark.parametrize("kind", sorted(set(WRONG) - {"budget", "overdue", "process_crashed"}))
def test_nothing_is_said_before_it_is_time(kind: str) -> None:
    WRONG[kind]()
    assert review(timedelta(seconds=1)) == (0, 0)


def test_work_that_we_run_ourselves_is_neither_stalled_nor_silent() -> None:
    agent = world.agent(adapter_module="claude_cli")
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
    execution = executing.request_execution(world.task(agent=agent), actor=SYSTEM, now=timezone.now())
    assert running.begin(execution.pk, host="here", now=timezone.now())
    assert review() == (0, 0)
    with ledger.writing():
        running.end(running.locked(execution.pk), running.Ended(state=Execution.State.FAILED), now=timezone.now())
    assert review() == (2, 0)


def test_the_highest_step_of_a_budget_is_the_one_that_counts() -> None:
    mission = world.mission(budget_usd=Decimal(10))
    found = []
    for more in ("4.99", "0.01", "3", "2", "2"):
        _spend(mission, more)
        review()
        found.append([each.evidence["step_percent"] for each in Advisory.objects.open()])
    assert found == [[], [50], [80], [100], [100]]


def test_a_mission_that_is_not_active_needs_no_advice_on_its_tasks() -> None:
    task = world.task(status=TaskStatus.IN_PROGRESS)
    steering.move_mission(task.mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())
    assert review() == (0, 0)


def test_a_review_asks_the_same_few_questions_whatever_the_number_of_tasks() -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            review()
        return len(seen)

    review()
    before = statements()
    for _ in range(5):
        for wrong in WRONG.values():
            wrong()
    review()
    assert statements() == before


def test_people_acknowledge_advisories_over_the_api() -> None:
    overspent()
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
    chained()
    before = list(Task.objects.order_by("pk").values())
    review()
    assert list(Task.objects.order_by("pk").values()) == before
