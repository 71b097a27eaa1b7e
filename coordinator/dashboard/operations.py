"""Operations: the mission processes, the queue of background jobs, executions, and the database's own numbers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils.text import capfirst
from django_q.models import Failure, OrmQ, Schedule

from coordinator import schedules
from missions.models import Execution, MissionProcess
from missions.supervision import presence

SHOWN = 50
WHAT = {
    settings.Q_CLUSTER["name"]: "Regular jobs, embedding, synchronising",
    presence.HOSTS: "Mission processes",
    presence.EXECUTIONS: "Runs of tasks by adapters",
}
"""What each queue is for."""
TABLES = (
    "traceability_entry",
    "missions_task",
    "agents_activity",
    "agents_usage",
    "knowledge_passage",
    "policies_decision",
)


def processes() -> Mapping[str, Any]:
    """Every mission process that is wanted or runs; 2 statements."""
    rows = MissionProcess.objects.select_related("mission")
    states = dict(rows.values_list("state").annotate(Count("pk")).order_by())
    found = rows.exclude(wanted=False, state=MissionProcess.State.STOPPED).order_by("state", "since", "pk")
    return {"processes": list(found[:SHOWN]), "states": sorted(states.items())}


def queues(now: datetime) -> Mapping[str, Any]:
    """Each queue with what waits in it and when a worker was last seen at it, and what failed lately; 3 statements."""
    waiting = dict(OrmQ.objects.values_list("key").annotate(Count("pk")).order_by())
    seen = presence.last_seen()
    names = sorted({*presence.queues(), *waiting, *seen})
    return {
        "queues": [_queue(name, waiting.get(name, 0), seen.get(name), now) for name in names],
        "failures": [
            {"id": each.id, "name": each.func, "at": each.stopped, "why": str(each.result or "")[:300]}
            for each in Failure.objects.filter(stopped__gte=now - timedelta(days=7)).order_by("-stopped")[:15]
        ],
    }


def _queue(name: str, waiting: int, seen: datetime | None, now: datetime) -> dict[str, Any]:
    served = seen is not None and seen >= now - presence.LATELY
    return {
        "name": name,
        "what": WHAT.get(name, ""),
        "waiting": waiting,
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
