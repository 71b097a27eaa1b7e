"""What is found by looking at all missions together: each reader asks once, whatever the number of missions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from agents.models import Activity, Agent
from missions.advice import rules
from missions.advice.findings import LISTED, Finding
from missions.advice.overlaps import Touch, overlaps
from missions.lifecycle import MISSION_ENDED, MissionStatus
from missions.models import Execution, Mission, MissionProcess, RequirementLink, Task
from missions.standing.state import Standing
from traceability.canonical import moment
from traceability.models import KeyResult, Requirement

CRASHES = 3
"""How often a mission's process crashes before somebody should look."""

CRASHED_LATELY = timedelta(minutes=10)
"""So long after its last crash it is still said to crash again and again."""

LATELY = timedelta(hours=2)
LAST_TOLD = 100
"""So many of an agent's last activities are looked at for the files that it touches."""

UNSERVED_AFTER = timedelta(days=1)
NOBODY = "none"

BUSY = f"""
    SELECT task.id, task.task_id AS key, task.mission_id, task.agent_id, task.outputs, mission.thresholds
    FROM {Task._meta.db_table} AS task JOIN {Mission._meta.db_table} AS mission ON mission.id = task.mission_id
    WHERE task.status = 'in_progress' AND mission.status = 'active' AND task.agent_id IS NOT NULL
"""
SILENT = f"""
    SELECT agent.id, agent.agent_id, agent.last_seen_at, count(*)
    FROM {Agent._meta.db_table} AS agent JOIN ({BUSY}) AS busy ON busy.agent_id = agent.id
    WHERE NOT EXISTS (
        SELECT FROM {Execution._meta.db_table} AS run WHERE run.agent_id = agent.id AND run.state = 'running'
    )
    GROUP BY agent.id
    HAVING agent.last_seen_at <= %(now)s - make_interval(
        secs => min(coalesce((busy.thresholds ->> 'silent_after_s')::int, %(usual)s)))
    ORDER BY agent.id
"""
TOUCHED = f"""
    WITH busy AS (
        SELECT busy.*, agent.agent_id AS agent, agent.current_task_id
        FROM ({BUSY}) AS busy JOIN {Agent._meta.db_table} AS agent ON agent.id = busy.agent_id
    ), told AS (
        SELECT busy.id, said.context FROM busy, LATERAL (
            SELECT activity.at, activity.task_id, activity.context FROM {Activity._meta.db_table} AS activity
            WHERE activity.agent_id = busy.agent_id ORDER BY activity.id DESC LIMIT {LAST_TOLD}
        ) AS said
        WHERE said.at > %(since)s AND coalesce(said.task_id, busy.current_task_id) = busy.id
            AND said.context ?| ARRAY['path', 'file', 'file_path', 'files']
        UNION ALL
        SELECT busy.id, busy.outputs FROM busy JOIN {Task._meta.db_table} AS task ON task.id = busy.id
        WHERE jsonb_typeof(busy.outputs -> 'files') = 'array' AND task.updated_at > %(since)s
    ), named AS (
        SELECT id, context, coalesce(context -> 'path', context -> 'file', context -> 'file_path') AS path FROM told
        UNION ALL
        SELECT id, context, jsonb_array_elements(context -> 'files') FROM told
        WHERE jsonb_typeof(context -> 'files') = 'array'
    ), touched AS (
        SELECT DISTINCT id, path #>> '{{}}' AS path, coalesce(context ->> 'repository', '') AS repository FROM named
        WHERE jsonb_typeof(path) = 'string' AND path #>> '{{}}' <> ''
    )
    SELECT busy.mission_id, busy.id, busy.key, busy.agent, touched.path, touched.repository
    FROM touched JOIN busy ON busy.id = touched.id
"""
UNSERVED = f"""
    SELECT result.id, result.kr_id, count(*),
        (array_agg(wanted.requirement_id ORDER BY wanted.priority, wanted.requirement_id))[1:{LISTED}]
    FROM {Requirement._meta.db_table} AS wanted
    LEFT JOIN {KeyResult._meta.db_table} AS result ON result.id = wanted.key_result_id
    WHERE wanted.status = 'approved' AND wanted.updated_at <= %(before)s AND NOT EXISTS (
        SELECT FROM {RequirementLink._meta.db_table} AS link WHERE link.requirement_id = wanted.id
    )
    GROUP BY result.id ORDER BY result.id
"""


def findings(now: datetime) -> Iterator[Finding]:
    """Everything of this kind that is wrong at `now`, shared files excepted; in 4 statements."""
    yield from silent_agents(now)
    yield from requirements_without_work(now)
    yield from crashed_processes(now)
    yield from resting_missions(now)


def silent_agents(now: datetime) -> Iterator[Finding]:
    """Agents at work that have not reported for a while, and that we do not run ourselves."""
    for pk, key, seen_at, at_work in _asked(SILENT, now=now, usual=settings.AGENT_SILENT_AFTER_S):
        yield Finding(
            name=f"silent_agent:{pk}",
            kind="silent_agent",
            severity="warning",
            message=f"Agent {key} is at work and silent since {seen_at:%d %b %H:%M} UTC.",
            evidence={"last_seen_at": moment(seen_at), "tasks_in_progress": at_work},
            agent=key,
        )


def same_files(now: datetime) -> Iterator[Finding]:
    """Tasks in progress of different agents that touched the same paths lately; reads much where many are at work."""
    return overlaps(Touch(*row) for row in _asked(TOUCHED, since=now - LATELY))


def requirements_without_work(now: datetime) -> Iterator[Finding]:
    """Approved requirements that no task serves, told once for each key result."""
    for pk, key, count, keys in _asked(UNSERVED, before=now - UNSERVED_AFTER):
        of = f"of key result {key}" if key else "of no key result"
        verb = "requirement {} has" if count == 1 else "requirements {} have"
        yield Finding(
            name=f"requirement_without_work:key_result:{pk or NOBODY}",
            kind="requirement_without_work",
            severity="info",
            message=f"{count} approved {verb.format(of)} no task.",
            evidence={"key_result": key, "keys": keys, "count": count},
        )


def crashed_processes(now: datetime) -> Iterator[Finding]:
    """Mission processes that crash again and again, running just now or not, and parked ones; a restart clears both."""
    state = MissionProcess.State
    lately = Q(restarts__gte=CRASHES, last_error_at__gt=now - CRASHED_LATELY)
    again = Q(state=state.PARKED) | lately & ~Q(crashes=[])
    for process in MissionProcess.objects.filter(again, wanted=True).order_by("mission_id"):
        parked = process.state == state.PARKED
        what = f"is parked after {process.restarts} crashes; restart it" if parked else "crashes again and again"
        yield Finding(
            name=f"process_crashed{'-parked' if parked else ''}:mission:{process.mission_id}",
            kind="process_crashed",
            severity="critical",
            message=f"The process of mission {{mission}} {what}.",
            evidence={
                "state": process.state,
                "restarts": process.restarts,
                "since": moment(process.since),
                "last_error": process.last_error[-500:],
            },
            mission_id=process.mission_id,
        )


def resting_missions(now: datetime) -> Iterator[Finding]:
    """Budgets and deadlines of missions that are neither active nor ended: no host watches these."""
    spent = Q(budget_usd__gt=0, cost_usd__gt=0)
    rows = Mission.objects.filter(spent | Q(deadline__lte=now)).exclude(
        status__in=[*MISSION_ENDED, MissionStatus.ACTIVE]
    )
    for row in rows.order_by("pk"):
        standing = Standing(
            status=row.status,
            deadline=None if row.deadline is None else row.deadline.timestamp(),
            budget=None if row.budget_usd is None else int(row.budget_usd * 1_000_000),
            cost=int(row.cost_usd * 1_000_000),
            thresholds=row.thresholds,
        )
        for watch in rules.look(row.pk, standing, now.timestamp()).wrong.values():
            yield watch.tell()


def _asked(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
