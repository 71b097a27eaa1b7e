"""Hearing agents: what they report of themselves, where they are at work, and what it cost, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.costs import Use
from agents.health import ActivityEvent
from agents.models import Activity, Agent
from agents.services import presence, registering
from agents.services.metering import Metered
from agents.services.presence import Said
from missions import places
from missions.places import Place
from missions.services import callers, metering
from missions.services.metering import Charge
from traceability import ledger
from traceability.events import Actor

MOST = 500


@dataclass(frozen=True, kw_only=True)
class Line:
    """One event of a report. `context` may name a task and a mission; `use` is what it cost."""

    event: ActivityEvent
    context: Mapping[str, Any] = field(default_factory=dict)
    use: Use | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Heard:
    """What was stored: the agent as it is now, one activity and one place for each line; `metered` by line."""

    agent: Agent
    activities: list[Activity]
    places: list[Place]
    metered: dict[int, Metered]

    @property
    def warnings(self) -> list[str]:
        """What is odd about the names in the contexts, each once."""
        return list(dict.fromkeys(text for place in self.places for text in place.warnings))


def hear(named: str, lines: Sequence[Line], *, user: Any, scopes: frozenset[str], actor: Actor, now: datetime) -> Heard:
    """Stores every line or none. An unknown agent is registered when the caller may.

    Raises NotAllowed, Missing, AgentTaken.
    """
    spends = any(line.use for line in lines)
    with ledger.writing():
        agent = registering.reporter(named, user=user, scopes=scopes, actor=actor, now=now, lock=not spends)
        actor = callers.acting(actor, callers.of(user, agent))
        found = places.of([line.context for line in lines], agent)
        metered = _charge(agent, lines, found, user, actor, now) if spends else {}
        if spends:
            agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
        said = [_said(line, place, now) for line, place in zip(lines, found, strict=True)]
        activities = presence.hear(agent, said, actor=actor, now=now)
    return Heard(agent, activities, found, metered)


def _charge(
    agent: Agent, lines: Sequence[Line], found: Sequence[Place], user: Any, actor: Actor, now: datetime
) -> dict[int, Metered]:
    """Charges the lines that tell a use; tasks and missions are locked before the agent.

    What an agent names of a mission in which it does not work stays with the agent, and the mission pays nothing.
    """
    spending = [index for index, line in enumerate(lines) if line.use]
    charges = [
        Charge(use=use, agent=agent, task=found[index].task, mission=found[index].mission)
        for index in spending
        if (use := lines[index].use)
    ]
    if registering.is_service(user):
        charges = metering.without_foreign(charges)
    return dict(zip(spending, metering.charge_all(charges, actor=actor, now=now), strict=True))


def _said(line: Line, place: Place, now: datetime) -> Said:
    return Said(
        event=line.event,
        at=min(line.at or now, now),
        context=line.context,
        mission=place.at.ref if place.at else None,
        task=place.task.ref if place.task else None,
        mission_key=place.mission_key,
        task_key=place.task_key,
    )
