"""Things that go wrong, each made by the services themselves; each answers how it is mended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from agents.health import ActivityEvent
from agents.models import Agent
from agents.services import presence
from agents.services.presence import Said
from missions.lifecycle import TaskStatus
from missions.models import Mission, MissionHost, Task
from missions.services import claiming, costing, hosting, planning
from missions.services.hosting import Owner
from tests.factories import unique
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM
from traceability.services import planning as goals

LATER = timedelta(days=1)
Mend = Callable[[], object]


def stalled() -> Mend:
    task = world.task(status=TaskStatus.IN_PROGRESS)
    return lambda: world.lead(task, TaskStatus.PENDING)


def silent() -> Mend:
    agent = world.agent()
    task = world.task(agent=agent)
    claiming.claim(task, agent, ttl_s=100_000_000, actor=SYSTEM, now=timezone.now() + LATER)
    world.lead(task, TaskStatus.IN_PROGRESS)
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now())
    return lambda: Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now() + LATER)


def unreviewed() -> Mend:
    task = world.task(status=TaskStatus.PENDING_REVIEW)
    return lambda: world.lead(task, TaskStatus.REJECTED)


def overspent() -> Mend:
    mission = world.mission(budget_usd=Decimal(10))
    spend(mission, "8.10")
    return lambda: revise(mission, budget_usd=Decimal(100))


def burning() -> Mend:
    mission = world.mission(budget_usd=Decimal(10))
    spend(mission, "4")
    return lambda: revise(mission, budget_usd=Decimal(1000))


def chained() -> Mend:
    task = world.task(status=TaskStatus.BLOCKED)
    world.task(task.mission, depends_on=[task])
    return lambda: world.lead(task, TaskStatus.PENDING)


def late() -> Mend:
    mission = world.mission(deadline=timezone.now())
    return lambda: revise(mission, deadline=None)


def slow() -> Mend:
    mission = world.mission(deadline=timezone.now() + LATER + timedelta(minutes=1))
    for _ in range(3):
        world.task(mission, status=TaskStatus.COMPLETED)
    world.task(mission)
    return lambda: revise(mission, deadline=timezone.now() + 10 * LATER)


def looping() -> Mend:
    task = world.task()
    world.lead(task, *[TaskStatus.FAILED, TaskStatus.PENDING] * 3)
    return lambda: world.lead(task, TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED)


def unlinked() -> Mend:
    mission = world.mission()
    world.task(mission, requirements=[requirement()])
    task = world.task(mission)
    return lambda: planning.revise_task(
        task, expected=None, actor=SYSTEM, now=timezone.now(), requirements=[requirement()]
    )


def overlapping() -> Mend:
    mission = world.mission()
    tasks = [at_work(mission, path="src/app.py") for _ in range(2)]
    return lambda: world.lead(tasks[0], TaskStatus.PENDING)


def unserved() -> Mend:
    wanted = requirement(status="approved")
    return lambda: goals.revise_requirement(wanted, expected=None, actor=SYSTEM, now=timezone.now(), status="obsolete")


def crashing() -> Mend:
    mission, now = world.mission(), timezone.now()
    owner = host()
    for _ in range(4):
        hosting.begin(owner, now=now, most=10)
        hosting.crash(owner, mission.pk, "Entry 7 is missing.", now=now)
        now += timedelta(seconds=10)
    return lambda: hosting.restart(mission, actor=SYSTEM, now=now)


CAUSES: dict[str, Callable[[], Mend]] = {
    "stalled_task": stalled,
    "silent_agent": silent,
    "review_waiting": unreviewed,
    "budget": overspent,
    "budget_burn": burning,
    "blocked_chain": chained,
    "overdue": late,
    "deadline_at_risk": slow,
    "looping_agent": looping,
    "no_requirement": unlinked,
    "same_files": overlapping,
    "requirement_without_work": unserved,
    "process_crashed": crashing,
}

SOON = {"budget_burn", "same_files"}
"""What is wrong at once, and no longer after a day."""


def spend(mission: Mission, cost_usd: str) -> None:
    costing.add_cost(
        mission=mission, task=None, cost_usd=Decimal(cost_usd), agent=None, actor=SYSTEM, now=timezone.now()
    )


def revise(mission: Mission, **fields: Any) -> None:
    planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), **fields)


def requirement(**fields: Any) -> Any:
    given = {"requirement_id": unique("r"), "title": "It starts", **fields}
    return goals.create_requirement(**given, actor=SYSTEM, now=timezone.now())


def at_work(mission: Mission | None = None, at: datetime | None = None, **context: Any) -> Task:
    """A task in progress whose agent has just told this of it."""
    agent = world.agent()
    task = world.task(mission, agent=agent, status=TaskStatus.IN_PROGRESS)
    touch(task, at or timezone.now(), **context)
    return task


def touch(task: Task, at: datetime, **context: Any) -> None:
    """The task's agent tells of it."""
    assert task.agent_id is not None
    with ledger.writing():
        agent = Agent.objects.select_for_update(no_key=True).get(pk=task.agent_id)
        said = Said(event=ActivityEvent.HEARTBEAT, at=at, context=context, task=task.ref, task_key=task.key)
        presence.hear(agent, [said], actor=SYSTEM, now=at)


def host(machine: str = "here") -> Owner:
    """A host that lives, and holds nothing yet."""
    now = timezone.now()
    row = MissionHost.objects.create(
        machine=machine, pid=1, version="test", started_at=now, beat_at=now, lease_until=now + LATER
    )
    return Owner(row.pk, machine)
