"""Who is calling a service, and whether the task is theirs to work on."""

from dataclasses import dataclass, replace
from typing import Any

from agents.models import Agent
from agents.services import registering
from coordinator.lib.errors import Conflict, NotAllowed
from missions.models import Claim, Task
from traceability.events import Actor


class NotYours(NotAllowed):
    """This task belongs to another agent."""


class FenceFallen(Conflict):
    """The claim that this caller had on the task has ended."""


@dataclass(frozen=True)
class Caller:
    """Who reports: the account, and the agent that it is or speaks for (None: a person for themselves)."""

    user: Any
    agent: Agent | None
    is_agent: bool


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
