"""Missions at work in any number, made fast: rows in bulk, their entries through the ledger's own pen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from agents.events import AgentRegistered
from agents.models import Agent
from coordinator.lib.refs import Ref
from missions import events
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Claim, Mission, MissionProcess, Participation, Task
from missions.services.planning import MISSION_FIELDS, TASK_FIELDS, plain
from traceability import ledger
from traceability.events import Actor

ACTOR = Actor("agent", 7, "coder", request_id="0b4cf1f0-6f2e-4b9a-9f0e-5f1d2b3c4d5e")
AT_ONCE = 20
PENDING, AT_WORK = TaskStatus.PENDING, TaskStatus.IN_PROGRESS


@dataclass(frozen=True)
class Made:
    """One mission with its tasks and agents."""

    mission: Mission
    tasks: list[Task]
    agents: list[Agent]


def fill(missions: int, *, tasks: int, agents: int = 3) -> list[Ref]:
    """So many active missions whose processes are wanted and held by nobody; each agent works on a task of its own.

    Each mission has agents of its own, and `entries_of` entries.
    """
    made: list[Ref] = []
    while len(made) < missions:
        made += _fill(range(len(made), min(len(made) + AT_ONCE, missions)), tasks, agents)
    return made


def entries_of(*, tasks: int, agents: int = 3) -> int:
    """How many entries `fill` tells of one mission."""
    return 3 + tasks + 6 * agents


def _fill(numbers: range, tasks: int, agents: int) -> list[Ref]:
    now = timezone.now()
    with ledger.writing():
        missions = [_mission(number) for number in numbers]
        Mission.objects.bulk_create(missions)
        MissionProcess.objects.bulk_create(
            MissionProcess(mission=each, wanted=True, state="running", since=now) for each in missions
        )
        made = [Made(each, [_task(each, n) for n in range(tasks)], [_agent(each, n) for n in range(agents)])
                for each in missions]  # fmt: skip
        Agent.objects.bulk_create(agent for each in made for agent in each.agents)
        Task.objects.bulk_create(task for each in made for task in each.tasks)
        Participation.objects.bulk_create(
            Participation(mission=each.mission, agent=agent, joined_at=now) for each in made for agent in each.agents
        )
        Claim.objects.bulk_create(_claim(task, agent) for each in made for task, agent in _at_work(each))
        for each in made:
            for told in _story(each):
                ledger.record(told, actor=ACTOR, at=now)
        _begin(made)
    return [each.mission.ref for each in made]


def _begin(made: list[Made]) -> None:
    Mission.objects.filter(pk__in=[each.mission.pk for each in made]).update(status=MissionStatus.ACTIVE)
    at_work = [task.pk for each in made for task, _ in _at_work(each)]
    Task.objects.filter(pk__in=at_work).update(status=AT_WORK, percent=40, fence=1, attempts=1)


def _story(made: Made) -> Iterator[Any]:
    mission = made.mission.ref
    yield events.MissionCreated(mission=mission, fields=plain(made.mission.values_of(*MISSION_FIELDS)))
    for agent in made.agents:
        yield AgentRegistered(agent=agent.ref, fields={"agent_id": agent.key, "name": agent.name})
        yield events.ParticipantJoined(
            mission=mission, agent=agent.ref, participant=agent.key, participant_kind="agent", role="contributor"
        )
    for task in made.tasks:
        yield _created(task)
    yield events.MissionMoved(mission=mission, before="planning", after="active")
    yield events.ProcessChanged(mission=mission, state="running", host="elsewhere")
    for task, agent in _at_work(made):
        yield from _work(mission, task.ref, agent.ref)


def _created(task: Task) -> events.TaskCreated:
    fields = plain(task.values_of(*TASK_FIELDS))
    return events.TaskCreated(mission=task.mission.ref, task=task.ref, fields=fields)


def _work(mission: Ref, task: Ref, agent: Ref) -> Iterator[Any]:
    about: dict[str, Any] = {"mission": mission, "task": task, "agent": agent}
    yield events.TaskClaimed(**about, fence=1, lease_until=timezone.now())
    yield events.TaskMoved(**about, before=PENDING, after=AT_WORK, attempts=1)
    yield reported(mission, task, agent, 20)
    yield reported(mission, task, agent, 40)
    yield events.TaskCosted(**about, cost_usd="0.25")


def reported(mission: Ref, task: Ref, agent: Ref, percent: int) -> events.TaskReported:
    """What an agent tells on the way, with an output and the digest of its log."""
    return events.TaskReported(
        mission=mission, task=task, agent=agent, report=1, percent=percent, outputs={"tests": "green", "share": 0.5},
        logs=3, logs_sha256="a" * 64,
    )  # fmt: skip


def _at_work(made: Made) -> Iterator[tuple[Task, Agent]]:
    yield from zip(made.tasks, made.agents, strict=False)


def _mission(number: int) -> Mission:
    now = timezone.now()
    return Mission(mission_id=f"checkout-{number}", goal="Rewrite the checkout", created_at=now, updated_at=now)


def _agent(mission: Mission, number: int) -> Agent:
    now, key = timezone.now(), f"{mission.key}-coder-{number}"
    return Agent(
        agent_id=key, name=key, status="working", status_since=now, last_seen_at=now, created_at=now, updated_at=now
    )


def _task(mission: Mission, number: int) -> Task:
    now = timezone.now()
    return Task(
        task_id=f"{mission.key}-part-{number}", mission=mission, objective=f"Part {number} of the checkout",
        description="As agreed. " * 8, acceptance_criteria=["The tests are green.", "The change is described."],
        required_capabilities=["git"], status_since=now, created_at=now, updated_at=now,
    )  # fmt: skip


def _claim(task: Task, agent: Agent) -> Claim:
    now = timezone.now()
    return Claim(task=task, agent=agent, fence=1, claimed_at=now, renewed_at=now, lease_until=now + timedelta(hours=4))


def grow(tasks: int) -> None:
    """Gives every mission so many new tasks."""
    missions = list(Mission.objects.order_by("pk"))
    for at in range(0, len(missions), AT_ONCE):
        _grow(missions[at : at + AT_ONCE], tasks)


def _grow(missions: list[Mission], tasks: int) -> None:
    now = timezone.now()
    with ledger.writing():
        made = [_task(mission, 1000 + n) for mission in missions for n in range(tasks)]
        Task.objects.bulk_create(made)
        for task in made:
            ledger.record(_created(task), actor=ACTOR, at=now)


def tell(mission: Mission, entries: int) -> None:
    """So many reports on one task of a mission, in large transactions."""
    told = _Teller(mission)
    for at in range(0, entries, 500):
        with ledger.writing():
            for number in range(at, min(at + 500, entries)):
                told(number)


def tellers(count: int) -> list[Callable[[int], None]]:
    """For each of the first missions, what tells a report with a number of its own in a transaction."""
    return [_Teller(mission) for mission in Mission.objects.order_by("pk")[:count]]


class _Teller:
    """An agent that reports on a task of its mission again and again."""

    def __init__(self, mission: Mission) -> None:
        part = Participation.objects.filter(mission=mission).select_related("agent").order_by("pk")[0]
        assert part.agent is not None
        self.about = mission.ref, Task.objects.filter(mission=mission).order_by("pk")[0].ref, part.agent.ref

    def __call__(self, number: int) -> None:
        with ledger.writing():
            told = replace(reported(*self.about, number % 100), report=number)
            ledger.record(told, actor=ACTOR, at=timezone.now())


def analyse() -> None:
    """Tells the database's planner what is there, as its own daemon does after a while."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
