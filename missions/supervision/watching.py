"""What runs where: every mission's process with its host and how far behind its stream it is, and the hosts. Reads."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from missions.models import MissionHost

WAITING = "waiting"
"""The state of a process that runs on, and that no host holds at present."""

STATES = ("parked", "crashed", WAITING, "starting", "running", "stopped")
"""In this order they are of interest."""

RANKS = ", ".join(f"('{state}', {rank})" for rank, state in enumerate(STATES))
SEEN = """
CASE WHEN process.state = 'running' AND process.owner_id IS NULL THEN 'waiting' ELSE process.state END
"""
PLACES = f"""
SELECT mission.id, mission.mission_id, mission.goal, mission.status, {SEEN} AS seen,
    coalesce(host.machine, process.host), process.owner_id, process.since, process.restarts, process.restart_at,
    CASE WHEN process.state = 'stopped' THEN 0 ELSE greatest(head.seq - coalesce(standing.seq, 0), 0) END,
    coalesce(extract(epoch FROM clock_timestamp() - entry.recorded_at)::float8, 0),
    process.last_error, process.last_error_at
FROM missions_missionprocess AS process
JOIN (VALUES {RANKS}) AS ranked(state, rank) ON ranked.state = {SEEN}
JOIN missions_mission AS mission ON mission.id = process.mission_id
LEFT JOIN missions_missionhost AS host ON host.id = process.owner_id
LEFT JOIN missions_missionstanding AS standing ON standing.mission_id = process.mission_id
LEFT JOIN traceability_streamhead AS head ON head.stream = 'mission:' || process.mission_id
LEFT JOIN traceability_entry AS entry ON process.state <> 'stopped' AND entry.stream = head.stream
    AND entry.seq = coalesce(standing.seq, 0) + 1
WHERE (%(states)s::text[] IS NULL OR {SEEN} = ANY(%(states)s))
    AND (%(host)s = '' OR coalesce(host.machine, process.host) = %(host)s)
ORDER BY ranked.rank, process.since DESC, process.mission_id LIMIT %(most)s
"""
LAG = """
SELECT coalesce(sum(lag), 0)::bigint, coalesce(max(lag), 0), coalesce(sum(age), 0)::float8,
    coalesce(max(age), 0)::float8 FROM (
    SELECT head.seq - coalesce(standing.seq, 0) AS lag,
        extract(epoch FROM clock_timestamp() - entry.recorded_at) AS age
    FROM missions_missionprocess AS process
    JOIN traceability_streamhead AS head ON head.stream = 'mission:' || process.mission_id
    LEFT JOIN missions_missionstanding AS standing ON standing.mission_id = process.mission_id
    LEFT JOIN traceability_entry AS entry ON entry.stream = head.stream AND entry.seq = coalesce(standing.seq, 0) + 1
    WHERE process.state <> 'stopped' AND head.seq > coalesce(standing.seq, 0)
) AS behind
"""
COUNTS = f"SELECT {SEEN} AS seen, count(*) FROM missions_missionprocess AS process GROUP BY seen"


@dataclass(frozen=True)
class Place:
    """A mission's process. `lag` is how many entries its standing has not folded, `behind_s` the age of the first."""

    id: int
    key: str
    goal: str
    status: str
    state: str
    host: str
    owner_id: int | None
    since: datetime
    restarts: int
    restart_at: datetime | None
    lag: int
    behind_s: float
    last_error: str
    last_error_at: datetime | None

    @property
    def error(self) -> str:
        """The last line of the trace: what went wrong."""
        return self.last_error.strip().rpartition("\n")[2]

    @property
    def can_restart(self) -> bool:
        return self.state in ("parked", "crashed")


class Lag(NamedTuple):
    """What processes have not folded: entries of all and of the worst, and how long the first of each has waited."""

    entries: int
    entries_worst: int
    seconds: float
    seconds_worst: float


def places(*, states: Collection[str] | None = None, host: str = "", most: int | None = None) -> list[Place]:
    """The processes in these states (all when none are named) on this machine, what needs a look first; 1 statement."""
    asked = {"states": None if states is None else list(states), "host": host, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(PLACES, asked)
        return [Place(*row) for row in cursor.fetchall()]


def counts() -> dict[str, int]:
    """How many processes are in which state, those of interest first; 1 statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        found = dict(cursor.fetchall())
    return {state: found[state] for state in STATES if state in found}


def lag() -> Lag:
    """1 statement."""
    with connection.cursor() as cursor:
        cursor.execute(LAG)
        return Lag(*cursor.fetchone())


def hosts() -> list[MissionHost]:
    """The hosts that are thought to live, by machine; 1 statement."""
    return list(MissionHost.objects.living().order_by("machine", "pk"))
