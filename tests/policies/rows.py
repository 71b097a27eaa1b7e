"""Policies and questions for tests, made by the services."""

from typing import Any

from django.utils import timezone

from agents.models import Agent
from agents.services import registering
from missions.models import Mission, Task
from missions.services import planning
from policies.models import Approval, Policy
from policies.services import deciding, revising
from policies.services.deciding import Question, Verdict
from policies.subjects import Subjects
from tests.factories import unique
from traceability.events import SYSTEM, Actor

FORCE_PUSH = {"action_type": "git_push", "force": True}
SEED: dict[str, Any] = {
    "conditions": {"action_type": "git_push", "force": True},
    "actions": [{"block": "Force pushes are not allowed"}],
    "scope": "global",
}


def policy(**fields: Any) -> Policy:
    """The seed's policy, with what is named changed."""
    given = {"policy_id": unique("policy"), **SEED, **fields}
    return revising.create(actor=SYSTEM, now=timezone.now(), **given)


def revise(row: Policy, **fields: Any) -> Policy:
    return revising.revise(row, expected=None, actor=SYSTEM, now=timezone.now(), **fields)


def ask(action: Any = None, *, actor: Actor = SYSTEM, now: Any = None, **subjects: Any) -> Verdict:
    """One question, answered on record."""
    question = Question(action=action or FORCE_PUSH, subjects=Subjects(**subjects))
    return deciding.evaluate([question], actor=actor, now=now or timezone.now())[0]


def approval_of(held: Any) -> Approval:
    """The approval that a verdict, or the outcome of a move, waits for."""
    number = held.approval_id if isinstance(held, Verdict) else held.approval
    assert number is not None
    return Approval.objects.get(pk=number)


def mission(**fields: Any) -> Mission:
    return planning.create_mission(goal="Ship it", actor=SYSTEM, now=timezone.now(), **fields)


def task(of: Mission | None = None, **fields: Any) -> Task:
    return planning.create_task(
        mission=of or mission(), objective="Write it", actor=SYSTEM, now=timezone.now(), **fields
    )


def agent(**fields: Any) -> Agent:
    return registering.create_agent(agent_id=unique("agent"), actor=SYSTEM, now=timezone.now(), **fields)
