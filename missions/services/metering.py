"""Charging use to tasks and missions. Rows are locked in one order everywhere: tasks, usages, agents, missions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents import costs
from agents.costs import Use
from agents.models import Agent
from agents.services import metering, registering
from agents.services.metering import Metered, Spent
from coordinator.lib.errors import Invalid, NotAllowed
from missions import places
from missions.models import Mission, Task
from missions.places import Place
from missions.services import costing
from traceability import ledger
from traceability.events import Actor


class NotYourBill(NotAllowed):
    """An agent charges only missions that it works in."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A use and who pays for it: the task's mission when a task is named, else the mission, else nobody."""

    use: Use
    agent: Agent | None = None
    task: Task | None = None
    mission: Mission | None = None

    @property
    def is_for_own_task(self) -> bool:
        return self.task is not None and self.agent is not None and self.task.agent_id == self.agent.pk

    @property
    def payer(self) -> Mission | None:
        return self.task.mission if self.task else self.mission


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A use and the ids or keys that were named with it."""

    use: Use
    agent: str | int | None = None
    task: str | int | None = None
    mission: str | int | None = None


def read(given: Mapping[str, Any] | None) -> Use | None:
    """The use that a report on a task tells; None when it tells none. Raises Invalid."""
    if given is None:
        return None
    try:
        return costs.read(given)
    except Invalid as invalid:
        raise Invalid({f"usage.{name}": texts for name, texts in invalid.errors.items()}) from invalid


def charge(task: Task, use: Use, *, agent: Agent | None, actor: Actor, now: datetime) -> Metered:
    """Counts a use for a task: of the agent that reports, else of the task's own."""
    return charge_all([Charge(use=use, agent=agent or task.agent, task=task)], actor=actor, now=now)[0]


def report(reports: Sequence[Reported], *, user: Any, actor: Actor, now: datetime) -> list[Metered]:
    """Counts uses that name their agent, task and mission; without an agent they are the caller's own.

    Raises Invalid for a name that is not known, NotAllowed for an agent that speaks for another, NotYourBill.
    """
    agents = _agents(reports, user)
    found = _places(reports, agents)
    charges = [
        Charge(use=each.use, agent=agent, task=place.task, mission=place.mission)
        for each, agent, place in zip(reports, agents, found, strict=True)
    ]
    if registering.is_service(user):
        refuse_foreign(charges)
    return charge_all(charges, actor=actor, now=now)


def charge_all(charges: Sequence[Charge], *, actor: Actor, now: datetime) -> list[Metered]:
    """Counts each use once, for its agent and for who pays; answers what became of each, in the same order."""
    with ledger.writing():
        _lock({each.task.pk for each in charges if each.task})
        metered = metering.meter([_spent(each) for each in charges], actor=actor, now=now)
        for (mission, task, agent), cost in _bills(charges, metered):
            costing.add_cost(mission=mission, task=task, cost_usd=cost, agent=agent, actor=actor, now=now)
    return metered


def foreign(charges: Sequence[Charge]) -> list[Charge]:
    """Those that an agent would put on a mission in which it neither takes part nor has a task."""
    doubted = [(each, each.payer.pk) for each in charges if each.payer and not each.is_for_own_task]
    asked: dict[Agent | None, set[int]] = {}
    for each, mission in doubted:
        asked.setdefault(each.agent, set()).add(mission)
    known = {agent: places.of_agent(agent, missions) if agent else set() for agent, missions in asked.items()}
    return [each for each, mission in doubted if mission not in known[each.agent]]


def without_foreign(charges: Sequence[Charge]) -> list[Charge]:
    """The same charges; what a mission would pay for an agent that does not work in it, the agent keeps."""
    refused = {id(each) for each in foreign(charges)}
    return [replace(each, task=None, mission=None) if id(each) in refused else each for each in charges]


def refuse_foreign(charges: Sequence[Charge]) -> None:
    """Raises NotYourBill."""
    for each in foreign(charges):
        if each.payer:
            raise NotYourBill(f"An agent charges missions that it works in; {each.payer.key} is none of them.")


def _agents(reports: Sequence[Reported], user: Any) -> list[Agent | None]:
    """Whose each use is; each name is looked up once."""
    known: dict[Any, Agent | None] = {None: registering.agent_of(user)}
    for index, each in enumerate(reports):
        if each.agent not in known:
            known[each.agent] = Agent.objects.named(each.agent).first()
            if known[each.agent] is None:
                raise Invalid({_field(reports, index, "agent"): [f"There is no agent {str(each.agent)[:100]!r}."]})
            registering.may_change(user, known[each.agent])
    return [known[each.agent] for each in reports]


def _places(reports: Sequence[Reported], agents: Sequence[Agent | None]) -> list[Place]:
    """Where each use belongs: two statements for each agent, however long the list."""
    found: dict[int, Place] = {}
    for agent in set(agents):
        mine = [index for index, whose in enumerate(agents) if whose == agent]
        named = [{"task": reports[index].task, "mission": reports[index].mission} for index in mine]
        found |= dict(zip(mine, places.of(named, agent), strict=True))
    for index, each in enumerate(reports):
        if warnings := found[index].warnings:
            field = "mission" if each.task is None else "task"
            raise Invalid({_field(reports, index, field): list(warnings)})
    return [found[index] for index in range(len(reports))]


def _field(reports: Sequence[Reported], index: int, name: str) -> str:
    return f"{index}.{name}" if len(reports) > 1 else name


def _lock(tasks: set[int]) -> None:
    rows = Task.objects.select_for_update(no_key=True).filter(pk__in=tasks).order_by("pk")
    list(rows.values_list("pk", flat=True))


def _spent(each: Charge) -> Spent:
    return Spent(
        use=each.use,
        agent=each.agent,
        mission=each.payer.ref if each.payer else None,
        task=each.task.ref if each.task else None,
        sprint_id=each.task.sprint_id if each.task else None,
    )


def _bills(charges: Sequence[Charge], metered: Sequence[Metered]) -> list[Any]:
    """What each mission, task and agent owes together for what was counted now, missions in the order of their ids."""
    owed: dict[tuple[int, int, int], list[Any]] = {}
    for each, row in zip(charges, metered, strict=True):
        if row.counted and row.cost_usd and each.payer:
            whose = (each.payer.pk, each.task.pk if each.task else 0, each.agent.pk if each.agent else 0)
            bill = owed.setdefault(whose, [(each.payer, each.task, each.agent), Decimal(0)])
            bill[1] += row.cost_usd
    return [owed[whose] for whose in sorted(owed)]
