"""A small company at work, made by the services: three missions, nine agents, a sprint, goals, policies, documents."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.auth import actor_for
from accounts.models import User
from agents.health import ActivityEvent
from agents.models import Agent
from agents.services import presence, registering
from agents.services.presence import Said
from knowledge.services import ingesting
from knowledge.services.ingesting import Draft
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import metering, planning, reporting, reviewing, steering, taking_part
from missions.services.callers import Caller
from missions.services.reporting import Filing
from missions.supervision import adviser
from policies.services import deciding, revising
from sprints.models import Sprint
from sprints.services import opening
from tests.browser.company import AGENTS, ASKED, ENDS, MISSIONS, NOTES, WHY
from tests.factories import person
from traceability import ledger
from traceability.models import Requirement
from traceability.services import planning as goals


@dataclass
class World:
    operator: User
    viewer: User
    now: datetime
    missions: list[Mission] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    sprint: Sprint | None = None
    requirements: list[Requirement] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def told(self) -> dict[str, Any]:
        return {"actor": actor_for(self.operator), "now": self.now}

    def at(self, moment: datetime) -> dict[str, Any]:
        return {"actor": actor_for(self.operator), "now": moment}


def build(now: datetime) -> World:
    """Everything, with a day of history behind it. Some seconds."""
    world = World(
        person("operator", email="ops@example.org", name="Olga Ops"), person("viewer", email="eve@example.org"), now
    )
    _goals(world)
    _agents(world)
    _policies(world)
    for number, (key, goal, budget, objectives) in enumerate(MISSIONS):
        mission = _mission(world, key, goal, budget)
        for place, objective in enumerate(objectives):
            _task(world, mission, objective, place + number)
    _speak(world)
    _know(world)
    adviser.review(now=now)
    return world


def _goals(world: World) -> None:
    early = world.at(world.now - timedelta(days=9))
    today = world.now.date()
    world.sprint = opening.create_sprint(
        sprint_id="sprint-14",
        name="Sprint 14",
        goal="Take the first real payment.",
        status="active",
        start_date=today - timedelta(days=9),
        end_date=today + timedelta(days=5),
        **early,
    )
    for key, title, results in (
        ("O-1", "Checkout converts better", ("Payment errors under 1 %", "Checkout in under 60 s")),
        ("O-2", "Everyone can use it", ("WCAG 2.2 AA on all pages",)),
    ):
        objective = goals.create_objective(objective_id=key, title=title, owner="Olga Ops", **early)
        for place, result in enumerate(results):
            kr = goals.create_key_result(
                objective=objective,
                kr_id=f"{key}-KR{place + 1}",
                title=result,
                start=Decimal(0),
                target=Decimal(100),
                current=Decimal(35 + 20 * place),
                unit="%",
                **early,
            )
            for each in range(4):
                world.requirements.append(
                    goals.create_requirement(
                        requirement_id=f"REQ-{key[-1]}{place + 1}{each + 1}",
                        title=f"{result}: part {each + 1}",
                        key_result=kr,
                        priority=f"p{each}",
                        status="approved",
                        **early,
                    )
                )


def _agents(world: World) -> None:
    for name, adapter, skill in AGENTS:
        early = world.at(world.now - timedelta(days=8))
        skills = [skill, "git"]
        world.agents.append(
            registering.create_agent(agent_id=name, name=name, adapter_module=adapter, capabilities=skills, **early)
        )


def _policies(world: World) -> None:
    early = world.at(world.now - timedelta(days=8))
    revising.create(
        policy_id="no-force-push",
        description="History that others have read is not rewritten.",
        conditions={"action_type": "git_push", "force": True},
        actions=[{"block": "Force pushes are not allowed."}],
        **early,
    )
    revising.create(
        policy_id="deploys-are-seen",
        description="A person looks at each deployment.",
        conditions={"action_type": "deploy"},
        actions=[{"escalate": "A person approves each deployment."}],
        **early,
    )


def _mission(world: World, key: str, goal: str, budget: str) -> Mission:
    born = world.at(world.now - timedelta(days=7))
    mission = planning.create_mission(
        mission_id=key,
        goal=goal,
        budget_usd=Decimal(budget),
        owner=world.operator,
        review_required=True,
        description="Ready when the new flow serves everybody.",
        deadline=world.now + timedelta(days=6),
        **born,
    )
    steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, **born)
    taking_part.join(mission, world.operator, role="lead", **born)
    world.missions.append(mission)
    return Mission.objects.get(pk=mission.pk)


def _task(world: World, mission: Mission, objective: str, place: int) -> None:
    agent, end = world.agents[place % len(world.agents)], ENDS[place % len(ENDS)]
    begun = world.now - timedelta(minutes=world.chance.randint(60, 600))
    task = planning.create_task(
        mission=mission,
        objective=objective,
        sprint=world.sprint if place % 3 else None,
        priority=1 + place % 3,
        acceptance_criteria=["The tests are green.", "The change is described."],
        required_capabilities=["git"],
        requirements=[world.requirements[place % 9]],
        **world.at(begun - timedelta(days=1 + place % 5)),
    )
    taking_part.join(mission, agent, role="contributor", **world.at(begun))
    if end == TaskStatus.PENDING:
        return
    work(world, task, agent, TaskStatus.IN_PROGRESS, begun, "Reading the code", percent=20)
    if place % 5 == 2:
        reject(world, task, agent, begun)
    wanted = TaskStatus.PENDING_REVIEW if end == TaskStatus.COMPLETED else end
    if wanted != TaskStatus.IN_PROGRESS:
        work(
            world,
            task,
            agent,
            wanted,
            begun + timedelta(minutes=35),
            WHY.get(wanted, "All tests are green"),
            percent=80,
        )
    if end == TaskStatus.COMPLETED:
        late = world.at(begun + timedelta(minutes=50))
        reviewing.approve(task, comment="Clean.", reviewer=world.operator, expected=None, merge=lambda *_: None, **late)


def reject(world: World, task: Task, agent: Agent, begun: datetime) -> None:
    work(world, task, agent, TaskStatus.PENDING_REVIEW, begun + timedelta(minutes=12), "First version", percent=60)
    late = world.at(begun + timedelta(minutes=18))
    reviewing.reject(
        task, comment="The refund of a partly paid order is missing.", reviewer=world.operator, expected=None, **late
    )
    work(world, task, agent, TaskStatus.IN_PROGRESS, begun + timedelta(minutes=20), "Second try", percent=65)


def work(world: World, task: Task, agent: Agent, status: TaskStatus, at: datetime, said: str, *, percent: int) -> None:
    """A report of the agent, with a log line, outputs and the tokens that it took."""
    use = metering.read(
        {
            "model": "claude-sonnet-4-5",
            "input_tokens": 21_000,
            "output_tokens": 3_400,
            "cost_usd": f"0.{world.chance.randint(11, 99)}",
        }
    )
    line = {"message": said, "level": "error" if status == TaskStatus.FAILED else "info"}
    done = {"summary": "+211 -11, 6 files, tests green"} if status == TaskStatus.PENDING_REVIEW else {}
    filing = Filing(status=status, percent=percent, logs=(line,), outputs=done, usage=use)
    caller = Caller(user=world.operator, agent=agent, is_agent=False)
    reporting.file_report(task, filing, caller=caller, expected=None, **world.at(at))


def _speak(world: World) -> None:
    """What each agent says of itself over the last two hours, and how that leaves it."""
    last = (ActivityEvent.TASK_START,) * 4 + (ActivityEvent.WAITING_FOR_INPUT, ActivityEvent.ERROR, ActivityEvent.STOP)
    for place, agent in enumerate(world.agents):
        task = Task.objects.filter(agent=agent, status=TaskStatus.IN_PROGRESS).first()
        beats = [
            Said(event=ActivityEvent.HEARTBEAT, at=world.now - timedelta(minutes=world.chance.randint(2, 118)))
            for _ in range(world.chance.randint(6, 40))
        ]
        end = Said(
            event=last[place % len(last)],
            at=world.now - timedelta(minutes=3 + place),
            task=task.ref if task else None,
            context={"message": "Which of the two tax tables is authoritative?"},
        )
        with ledger.writing():
            locked = Agent.objects.select_for_update().get(pk=agent.pk)
            presence.hear(locked, [*sorted(beats, key=lambda said: said.at), end], **world.told)


def _know(world: World) -> None:
    for title, content in NOTES:
        ingesting.store_document(Draft(title=title, content=content, mission=world.missions[0].ref), **world.told)
    actor = actor_for(person("operator", email="bob@example.org"))
    for action in ASKED:
        with ledger.writing():
            deciding.decide(
                point="evaluate",
                action=action,
                mission=world.missions[0].ref,
                task=None,
                agent=world.agents[0].ref,
                actor=actor,
                now=world.now - timedelta(minutes=9),
            )
