"""Limits: how many runs of a mission, and of an agent, go on at a time, over all workers and machines.

Who begins a run first takes the mission's and the agent's lock for its transaction, then counts: no two count at once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet

from agents.adapters.base import COMMON_OPTIONS
from missions.models import Execution

State = Execution.State

COLUMNS = ("pk", "task_id", "mission_id", "agent_id", "mission__execution_limit", "agent__adapter_config", "woken_at")
LOOKED_AT = 200
LOCK = """
    SELECT pg_advisory_xact_lock(place) FROM (
        SELECT hashtextextended(name, 0) AS place FROM unnest(%s::text[]) AS name ORDER BY 1
    ) AS places
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """An execution as far as the limits go: whose it is, and how many of theirs may go on at a time."""

    execution: int
    task: int
    mission: int
    agent: int
    of_mission: int
    of_agent: int
    woken_at: datetime | None

    @classmethod
    def read(cls, row: tuple[Any, ...]) -> Self:
        """From the values of `COLUMNS`."""
        execution, task, mission, agent, limit, config, woken_at = row
        return cls(
            execution=execution,
            task=task,
            mission=mission,
            agent=agent,
            of_mission=limit or settings.EXECUTIONS_PER_MISSION,
            of_agent=limit_of(config),
            woken_at=woken_at,
        )


def limit_of(config: Mapping[str, Any]) -> int:
    """How many runs of an agent with this configuration go on at a time; one that cannot be counts as none."""
    given: Any = config.get("limit")
    return int(given) if COMMON_OPTIONS["limit"](given) else int(settings.EXECUTIONS_PER_AGENT)


def place_of(execution_id: int, *, now: datetime) -> Place | None:
    """The place that a queued execution needs; None when it is not queued, or not due."""
    found = due(now).filter(pk=execution_id).values_list(*COLUMNS)
    return next(map(Place.read, found), None)


def is_free(place: Place) -> bool:
    """Whether another run may begin now. It stays so until the caller's transaction ends; 2 statements."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [[f"missions.running:mission:{place.mission}", f"missions.running:agent:{place.agent}"]])
    running = Execution.objects.filter(state=State.RUNNING).aggregate(
        mission=Count("pk", filter=Q(mission=place.mission)), agent=Count("pk", filter=Q(agent=place.agent))
    )
    return bool(running["mission"] < place.of_mission and running["agent"] < place.of_agent)


def due(now: datetime) -> "QuerySet[Execution]":
    """What is queued and need not wait any longer for its next attempt."""
    return Execution.objects.filter(Q(run_after__isnull=True) | Q(run_after__lte=now), state=State.QUEUED)


def next_up(rows: "QuerySet[Execution]", *, unless_woken_since: datetime) -> list[Place]:
    """Which of these queued executions could begin now and nobody was asked for lately, the oldest first.

    At most so many as there are places, and at most 200; 3 statements, 1 when nothing waits.
    """
    asleep = rows.filter(Q(woken_at__isnull=True) | Q(woken_at__lt=unless_woken_since))
    if not asleep.exists():
        return []
    running = [Place.read(row) for row in Execution.objects.filter(state=State.RUNNING).values_list(*COLUMNS)]
    missions, agents = Counter(each.mission for each in running), Counter(each.agent for each in running)
    full = Q(mission__in={each.mission for each in running if missions[each.mission] >= each.of_mission})
    full |= Q(agent__in={each.agent for each in running if agents[each.agent] >= each.of_agent})
    waiting = asleep.exclude(full).order_by("pk").values_list(*COLUMNS)[:LOOKED_AT]
    return _fitting(map(Place.read, waiting), missions, agents)


def _fitting(places: Iterable[Place], missions: Counter[int], agents: Counter[int]) -> list[Place]:
    found = []
    for each in places:
        if missions[each.mission] < each.of_mission and agents[each.agent] < each.of_agent:
            missions[each.mission] += 1
            agents[each.agent] += 1
            found.append(each)
    return found
