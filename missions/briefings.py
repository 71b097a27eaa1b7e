"""What an agent should know now: its tasks, what is ready for it, what waits, what is advised, which policies hold."""

from datetime import datetime
from typing import Any

from django.db.models import F, Q

from agents.models import Agent
from missions.lifecycle import TaskStatus
from missions.models import Advisory, Task
from policies.models import Approval, Policy

MOST_TASKS = 50
MOST_READY = 20
MOST_HINTS = 20
ENDED = (TaskStatus.COMPLETED, TaskStatus.FAILED)


def of(agent: Agent, now: datetime) -> dict[str, Any]:
    """The briefing, in five statements."""
    return {
        "agent": agent.key,
        "status": agent.status,
        "current_task": agent.current_task,
        "as_of": now,
        "tasks": [_task(row) for row in tasks_of(agent)],
        "ready": [_task(row) for row in ready_for(agent)],
        "approvals": approvals_of(agent),
        "advisories": advice_for(agent),
        "policies": policies_for(agent),
    }


def tasks_of(agent: Agent) -> list[Task]:
    """What it has or holds and is not ended, the most urgent first."""
    mine = Task.objects.select_related("mission", "claim").filter(Q(agent=agent) | Q(claim__agent=agent))
    return list(mine.exclude(status__in=ENDED).order_by(*_by_urgency())[:MOST_TASKS])


def ready_for(agent: Agent) -> list[Task]:
    """Ready tasks that are its own or nobody's, and that ask for no capability that it lacks."""
    ready = Task.objects.ready().select_related("mission").filter(Q(agent=agent) | Q(agent=None))
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


def advice_for(agent: Agent) -> list[dict[str, Any]]:
    """What is advised about the agent and its tasks, the newest first."""
    about = Q(agent=agent) | Q(task__agent=agent)
    rows = Advisory.objects.open().select_related("task").filter(about).order_by("-pk")[:MOST_HINTS]
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "severity": row.severity,
            "message": row.message,
            "task": row.task and row.task.key,
        }
        for row in rows
    ]


def policies_for(agent: Agent) -> list[dict[str, Any]]:
    """Policies in force for everything, or for this agent or one of its capabilities."""
    rows = Policy.objects.active().order_by("-priority", "policy_id")
    held = [
        row for row in rows.only("policy_id", "description", "mode", "scope", "priority") if concerns(row.scope, agent)
    ]
    return [{"policy_id": row.key, "description": row.description, "mode": row.mode} for row in held[:MOST_HINTS]]


def concerns(scope: Any, agent: Agent) -> bool:
    """Whether a policy's scope is global or names the agent, by id or key, or one of its capabilities."""
    if not isinstance(scope, dict):
        return bool(scope == "global")
    agents, capabilities = _listed(scope.get("agent")), _listed(scope.get("capability"))
    return bool({agent.pk, str(agent.pk), agent.key} & agents or set(agent.capabilities) & capabilities)


def _listed(value: Any) -> set[Any]:
    return set(value) if isinstance(value, list) else {value}


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
