"""Operations: mission processes and their hosts, the queues of background jobs, executions, and the database."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.text import capfirst
from django_q.models import Failure, Schedule

from coordinator import schedules
from coordinator.templatetags.look import span
from missions.models import Execution
from missions.supervision import depths, presence, watching
from missions.supervision.depths import Depth
from missions.supervision.watching import Place

SHOWN = 50
WHAT = {
    settings.Q_CLUSTER["name"]: "Regular jobs, embedding, synchronising",
    presence.HOSTS: "Mission processes",
    presence.EXECUTIONS: "Runs of tasks by adapters",
    presence.HEALTH: "Checks of adapters",
}
"""What each queue is for."""

OF_INTEREST = [state for state in watching.STATES if state != "stopped"]
WORDS = {watching.WAITING: "Waits for a host"}
TABLES = (
    "traceability_entry",
    "missions_task",
    "agents_activity",
    "agents_usage",
    "knowledge_passage",
    "policies_decision",
)


def processes() -> Mapping[str, Any]:
    """Every mission process that is wanted or runs, what needs a look first; 2 statements."""
    counts = watching.counts()
    found = watching.places(states=OF_INTEREST, most=SHOWN)
    return {
        "processes": [{"place": each, "word": WORDS.get(each.state, ""), "behind": behind(each)} for each in found],
        "states": [(state, WORDS.get(state, ""), count) for state, count in counts.items()],
        "more": sum(counts.get(state, 0) for state in OF_INTEREST) - len(found),
    }


def behind(place: Place) -> str:
    """How long the first entry that a process has not folded has waited: `340 ms`, `12 s`; empty when there is none."""
    if not place.lag:
        return ""
    return (
        f"{place.behind_s * 1000:.0f} ms"
        if place.behind_s < 10
        else span(max(place.behind_s, 0)).replace("now", "under 1 min")
    )


def hosts(now: datetime) -> Mapping[str, Any]:
    """Who holds the mission processes; 1 statement."""
    return {"hosts": [{"host": each, "late": each.lease_until < now} for each in watching.hosts()]}


def queues(now: datetime) -> Mapping[str, Any]:
    """Each queue with what waits in it and when a worker was last seen at it, and what failed lately; 4 statements."""
    waiting = depths.depths()
    seen = presence.last_seen()
    names = sorted({*presence.queues(), *waiting, *seen})
    return {
        "queues": [_queue(name, waiting.get(name), seen.get(name), now) for name in names],
        "failures": [
            {"id": each.id, "name": each.func, "at": each.stopped, "why": str(each.result or "")[:300]}
            for each in Failure.objects.filter(stopped__gte=now - timedelta(days=7)).order_by("-stopped")[:15]
        ],
    }


def _queue(name: str, depth: Depth | None, seen: datetime | None, now: datetime) -> dict[str, Any]:
    served = seen is not None and seen >= now - presence.LATELY
    oldest_s = depth.oldest_s if depth else None
    return {
        "name": name,
        "what": WHAT.get(name, ""),
        "waiting": depth.waiting if depth else 0,
        "oldest": now - timedelta(seconds=oldest_s) if oldest_s else None,
        "seen": seen,
        "state": "running" if served else "stopped",
        "word": "At work" if served else "Not seen",
    }


def regular() -> Mapping[str, Any]:
    """What runs by the clock, each job with its reason, the next first; 1 statement."""
    why = {schedules.NAME.format(job=line.job): line for line in schedules.TABLE}
    rows = Schedule.objects.order_by("next_run", "pk")[:SHOWN]
    return {"regular": [_job(row, why.get(row.name)) for row in rows]}


def _job(row: Schedule, line: schedules.Line | None) -> dict[str, Any]:
    return {
        "id": row.pk,
        "path": row.func,
        "why": capfirst(line.why) if line else row.name or row.func,
        "minutes": row.minutes,
        "next": row.next_run,
    }


def executions() -> Mapping[str, Any]:
    """The runs that are open, then the last that ended; 2 statements."""
    rows = Execution.objects.select_related("task", "agent", "mission").defer("prompt", "output")
    open_ = list(rows.filter(state__in=Execution.OPEN).order_by("pk")[:SHOWN])
    return {"open": open_, "ended": list(rows.exclude(state__in=Execution.OPEN).order_by("-ended_at", "-pk")[:15])}


def database() -> Mapping[str, Any]:
    """The largest tables as the database estimates them; 1 statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid),
                   pg_database_size(current_database()), current_setting('server_version')
            FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s) ORDER BY 3 DESC
            """,
            [list(TABLES)],
        )
        found = cursor.fetchall()
    return {
        "tables": [{"name": name, "rows": rows, "mib": size / 2**20} for name, rows, size, _, _ in found],
        "size_mib": found[0][3] / 2**20 if found else 0,
        "server": found[0][4] if found else "",
    }
