"""Who is calling a service, and whether the task is theirs to work on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.models import Agent
from agents.services import registering
from coordinator.lib.errors import Conflict, NotAllowed
from missions.models import Claim, Mission, Participation, Task
from traceability.events import Actor

REPORTED = frozenset({"status", "percent", "outputs"})
"""What an agent says of its own task; everything else of it is planned by people."""

PLANNED = frozenset({"review_required", "budget_usd"})
"""What an agent does not say of a task that it makes: how it is judged and what it may cost."""

PLANNERS = frozenset({"admin", "operator"})
"""Roles with which a service account that is no agent plans as a person does."""


class NotYours(NotAllowed):
    """This task belongs to another agent."""


class NotPlanned(NotAllowed):
    """An agent does not plan this."""


class FenceFallen(Conflict):
    """The claim that this caller had on the task has ended."""


@dataclass(frozen=True)
class Caller:
    """Who reports: the account, and the agent that it is or speaks for (None: a person for themselves)."""

    user: Any
    agent: Agent | None
    is_agent: bool

    @property
    def plans(self) -> bool:
        """Whether it may change a plan: people, and service accounts of a planner's role that are no agent."""
        return not self.is_agent or (self.agent is None and self.user.role in PLANNERS)


def of(user: Any, named: Agent | None = None) -> Caller:
    """Who acts: a service account for its own agent, a person for the one that is named, if any. Raises NotAllowed."""
    if named is not None:
        registering.may_act_for(user, named)
    return Caller(user=user, agent=named or registering.agent_of(user), is_agent=registering.is_service(user))


def acting(actor: Actor, caller: Caller) -> Actor:
    """The actor, with the agent for whom a person's token acts."""
    if caller.agent is None or caller.is_agent:
        return actor
    return replace(actor, on_behalf_of=caller.agent.key)


def refuse_stranger(task: Task, caller: Caller, fence: int | None = None) -> None:
    """An agent's token changes its own tasks and free ones; a person may change any. `task` is locked.

    Raises NotYours, and FenceFallen when `fence` is not that of the present claim.
    """
    held = Claim.objects.filter(task=task).values_list("agent_id", "fence").first() or (None, None)
    if fence is not None and fence != held[1]:
        raise FenceFallen(f"The claim with fence {fence} on task {task.key} has ended; claim the task again.")
    if not caller.is_agent:
        return
    mine = caller.agent.pk if caller.agent else None
    if any(other is not None and other != mine for other in (held[0], task.agent_id)):
        raise NotYours(f"Task {task.key} belongs to another agent.")


def refuse_planning(caller: Caller, fields: Iterable[str]) -> None:
    """An agent changes of a task what it reports, and nothing of what is asked of it. Raises NotPlanned."""
    planned = set() if caller.plans else set(fields) - REPORTED
    if planned:
        raise NotPlanned(
            f"An agent changes status, percent and outputs of its task; {', '.join(sorted(planned))} is for people."
        )


def refuse_making(mission: Mission, caller: Caller, fields: Mapping[str, Any]) -> None:
    """An agent makes tasks where it takes part, for itself or nobody, judged as the mission says. Raises NotPlanned."""
    if caller.plans:
        return
    if not takes_part(mission, caller.agent):
        raise NotPlanned(f"An agent makes tasks in missions that it takes part in; {mission.key} is none of them.")
    planned = [name for name in sorted(PLANNED & fields.keys()) if fields[name] is not None]
    if fields.get("agent") not in {None, caller.agent}:
        planned.insert(0, "agent")
    if planned:
        raise NotPlanned(f"An agent does not set {', '.join(planned)} of a task; people do.")


def takes_part(mission: Mission, agent: Agent | None) -> bool:
    """Whether the agent is in the mission, in whatever role but an observer's."""
    if agent is None:
        return False
    parts = Participation.objects.filter(mission=mission, agent=agent)
    return parts.exclude(role=Participation.Role.OBSERVER).exists()
