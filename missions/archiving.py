"""Which streams are closed (missions that ended, agents that went away, both silent for long), and reading them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from agents.health import AgentStatus
from agents.models import Agent
from missions.lifecycle import MISSION_ENDED
from missions.models import Mission
from traceability import reading
from traceability.models import Archive, Entry, StreamHead


@dataclass(frozen=True)
class Closed:
    """A closed stream, whose it is, and how many of its entries stand in the table."""

    stream: str
    key: str
    entries: int


def entries_of(mission: Mission) -> Any:
    """What lists ask for a mission's trace, archived or not: an `EntryQuerySet`, or a `Whole` that answers as one."""
    if mission.status in MISSION_ENDED:
        return reading.whole(f"mission:{mission.pk}")
    return Entry.objects.of_mission(mission.pk)


def closed_missions(before: datetime, among: Iterable[Mission] | None = None) -> list[Closed]:
    """Missions that were completed or cancelled before a moment; 3 statements."""
    rows = Mission.objects.filter(status__in=MISSION_ENDED, ended_at__lte=before)
    if among is not None:
        rows = rows.filter(pk__in=[mission.pk for mission in among])
    return _silent({f"mission:{pk}": key for pk, key in rows.values_list("pk", "mission_id")}, before)


def absent_agents(before: datetime) -> list[Closed]:
    """Agents that are offline and were not heard since a moment; 3 statements."""
    rows = Agent.objects.filter(status=AgentStatus.OFFLINE).exclude(last_seen_at__gt=before)
    return _silent({f"agent:{pk}": key for pk, key in rows.values_list("pk", "agent_id")}, before)


def why_open(mission: Mission, before: datetime) -> str:
    """Why a mission's stream is not closed, or has nothing to archive."""
    if mission.status not in MISSION_ENDED:
        return f"{mission.key} is {mission.status}: it has not ended."
    if mission.ended_at is None or mission.ended_at > before:
        return f"{mission.key} ended at {mission.ended_at:%Y-%m-%d %H:%M}: too lately for --closed-for."
    if StreamHead.objects.filter(stream=f"mission:{mission.pk}", at__gt=before).exists():
        return f"{mission.key} was told of since: too lately for --closed-for."
    return f"{mission.key} has no entry that is not archived."


def _silent(keys: dict[str, str], before: datetime) -> list[Closed]:
    """Those with entries in the table and none of them younger."""
    heads = StreamHead.objects.filter(stream__in=keys, at__lte=before).order_by("stream")
    newest = Archive.objects.filter(stream__in=keys).values_list("stream").annotate(Max("last_seq"))
    moved: dict[str, int] = dict(newest.order_by())
    found = [Closed(head.stream, keys[head.stream], head.seq - moved.get(head.stream, 0)) for head in heads]
    return sorted((each for each in found if each.entries), key=lambda each: int(each.stream.partition(":")[2]))
