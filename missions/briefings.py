"""What an agent should know now: its tasks, what is ready for it, what waits, what is advised, which policies hold."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q

from agents.models import Agent
from missions.lifecycle import TaskStatus
from missions.models import Advisory, Mission, Task
from policies import drafts
from policies.models import Approval, Policy

MOST_TASKS = 50
MOST_READY = 20
MOST_HINTS = 20
ADVICE_NAMES = ("id", "kind", "severity", "message", "task")
ADVICE = f"""
SELECT a.id, a.kind, a.severity, a.message, t.task_id
FROM {Advisory._meta.db_table} AS a LEFT JOIN {Task._meta.db_table} AS t ON t.id = a.task_id
WHERE a.resolved_at IS NULL AND coalesce(a.snoozed_until <= %s, true) AND (a.agent_id = %s OR t.agent_id = %s)
ORDER BY a.id DESC LIMIT {MOST_HINTS}
"""
ENDED = (TaskStatus.COMPLETED, TaskStatus.FAILED)


def of(agent: Agent, now: datetime) -> dict[str, Any]:
    """The briefing, in five statements."""
    mine = tasks_of(agent)
    return {
        "agent": agent.key,
        "status": agent.status,
        "current_task": agent.current_task,
        "as_of": now,
        "tasks": [_task(row) for row in mine],
        "ready": [_task(row) for row in ready_for(agent)],
        "approvals": approvals_of(agent),
        "advisories": advice_for(agent, now),
        "policies": policies_for(agent, tasks=mine, now=now),
    }


def tasks_of(agent: Agent) -> list[Task]:
    """What it has or holds and is not ended, the most urgent first."""
    mine = Task.objects.select_related("mission", "sprint", "claim").filter(Q(agent=agent) | Q(claim__agent=agent))
    return list(mine.exclude(status__in=ENDED).order_by(*_by_urgency())[:MOST_TASKS])


def ready_for(agent: Agent) -> list[Task]:
    """Ready tasks that are its own or nobody's, and that ask for no capability that it lacks."""
    ready = Task.objects.ready().select_related("mission", "claim").filter(Q(agent=agent) | Q(agent=None))
    fits = ready.filter(required_capabilities__contained_by=agent.capabilities)
    return list(fits.order_by(*_by_urgency())[:MOST_READY])


def approvals_of(agent: Agent) -> list[dict[str, Any]]:
    """What waits for a person before this agent can go on."""
    waiting = Approval.objects.pending().filter(agent_id=agent.pk).order_by("expires_at")[:MOST_HINTS]
    return [
        {
            "id": row.pk,
            "summary": row.summary,
            "reason": row.reason,
            "task": row.task_key or None,
            "mission": row.mission_key or None,
            "deadline": row.expires_at,
        }
        for row in waiting
    ]


def advice_for(agent: Agent, now: datetime) -> list[dict[str, Any]]:
    """What is advised about it and its tasks and not put off, newest first. A plain statement: every report pays."""
    with connection.cursor() as cursor:
        cursor.execute(ADVICE, [now, agent.pk, agent.pk])
        return [dict(zip(ADVICE_NAMES, row, strict=True)) for row in cursor.fetchall()]


def policies_for(
    agent: Agent, *, tasks: Iterable[Task] = (), missions: Iterable[Mission] = (), now: datetime
) -> list[dict[str, Any]]:
    """Policies in force at `now` that concern the agent: global ones, and those whose scope fits it and its work."""
    names = _names(agent, list(tasks), list(missions))
    begun, going = Q(valid_from=None) | Q(valid_from__lte=now), Q(valid_until=None) | Q(valid_until__gt=now)
    rows = Policy.objects.active().filter(begun, going).order_by("-priority", "policy_id")
    told = rows.only("policy_id", "description", "mode", "scope")
    held = [row for row in told if all(wanted & names[noun] for noun, wanted in drafts.scope_of(row.scope))]
    return [{"policy_id": row.key, "description": row.description, "mode": row.mode} for row in held[:MOST_HINTS]]


def _names(agent: Agent, tasks: list[Task], missions: list[Mission]) -> Mapping[str, set[str]]:
    """By which ids and keys a scope may mean the agent and its work; tasks have their mission and sprint loaded."""
    names: dict[str, set[str]] = defaultdict(set, capability=set(agent.capabilities))
    rows = [("agent", agent), *[("task", task) for task in tasks], *[("mission", mission) for mission in missions]]
    rows += [("mission", task.mission) for task in tasks]
    rows += [("sprint", task.sprint) for task in tasks if task.sprint]
    for noun, row in rows:
        names[noun] |= {str(row.pk), row.key}
    return names


def _by_urgency() -> tuple[Any, ...]:
    return (F("priority").desc(), F("due_at").asc(nulls_last=True), F("pk").asc())


def _task(row: Task) -> dict[str, Any]:
    """A task in brief; the whole is at `/tasks/{t}` and `/tasks/{t}/context`."""
    claim = getattr(row, "claim", None)
    return {
        "id": row.pk,
        "task_id": row.key,
        "mission": row.mission.key,
        "objective": row.objective,
        "status": row.status,
        "priority": row.priority,
        "percent": row.percent,
        "due_at": row.due_at,
        "lease_until": claim and claim.lease_until,
    }
