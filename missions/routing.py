"""Which agents fit a task: ranked, each with its reasons. Advice, never an assignment. Reads only."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q

from agents.health import AgentStatus
from agents.models import Agent
from coordinator.lib.money import plain_money
from missions.lifecycle import HELD, TaskStatus
from missions.models import Review, Task

MOST = 20
WEIGHTS = {"capability": 0.5, "record": 0.25, "load": 0.15, "cost": 0.1}
UNAVAILABLE = {AgentStatus.OFFLINE: 0.5, AgentStatus.ERROR: 0.5, AgentStatus.BLOCKED: 0.8}
"""What remains of the score of an agent that cannot start at once."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of one agent's work. `mean_cost` is that of its completed tasks, in USD."""

    completed: int = 0
    failed: int = 0
    rejected: int = 0
    at_work: int = 0
    mean_cost: Decimal | None = None


def candidates(task: Task, at_most: int = MOST) -> list[dict[str, Any]]:
    """The agents that fit best, with `score` 0 to 1, its parts, and the reasons in words; three statements."""
    records = _records()
    known = [record.mean_cost for record in records.values() if record.mean_cost]
    cheapest = min(known, default=None)
    found = [
        _candidate(task, agent, records.get(agent.pk, Record()), cheapest) for agent in Agent.objects.order_by("pk")
    ]
    return sorted(found, key=lambda each: -each["score"])[:at_most]


def _candidate(task: Task, agent: Agent, record: Record, cheapest: Decimal | None) -> dict[str, Any]:
    wanted = set(task.required_capabilities)
    has = wanted & set(agent.capabilities)
    parts = {
        "capability": len(has) / len(wanted) if wanted else 1.0,
        "record": (record.completed + 1) / (record.completed + record.failed + record.rejected + 2),
        "load": 1 / (1 + record.at_work),
        "cost": float(cheapest / record.mean_cost) if cheapest and record.mean_cost else 0.5,
    }
    score = sum(WEIGHTS[name] * value for name, value in parts.items()) * UNAVAILABLE.get(
        AgentStatus(agent.status), 1.0
    )
    return {
        "agent": agent.key,
        "name": agent.name,
        "status": agent.status,
        "score": round(score, 4),
        "parts": {name: round(value, 4) for name, value in parts.items()},
        "reasons": [*_of_capability(wanted, has), *_of_record(record), *_of_presence(agent, record)],
    }


def _of_capability(wanted: set[str], has: set[str]) -> list[str]:
    if not wanted:
        return ["the task requires no capability"]
    reasons = [f"has {', '.join(sorted(has))}"] if has else []
    return [*reasons, f"lacks {', '.join(sorted(wanted - has))}"] if wanted - has else reasons


def _of_record(record: Record) -> list[str]:
    ended = record.completed + record.failed
    reasons = [f"completed {record.completed} of {ended} tasks" if ended else "has ended no task yet"]
    if record.rejected:
        reasons.append(f"was rejected {record.rejected} times in review")
    if record.mean_cost:
        reasons.append(f"costs {plain_money(record.mean_cost)} USD a completed task")
    return reasons


def _of_presence(agent: Agent, record: Record) -> list[str]:
    reasons = [f"is at work on {record.at_work} tasks" if record.at_work else "is free"]
    return [*reasons, f"is {agent.status}"] if AgentStatus(agent.status) in UNAVAILABLE else reasons


def _records() -> dict[int, Record]:
    """Each agent's record by its id, in two statements."""
    rejected = dict(
        Review.objects.filter(approved=False, task__agent__isnull=False)
        .values_list("task__agent")
        .annotate(Count("pk"))
        .order_by()
    )
    rows = (
        Task.objects.filter(agent__isnull=False)
        .values("agent_id")
        .annotate(
            completed=Count("pk", filter=Q(status=TaskStatus.COMPLETED)),
            failed=Count("pk", filter=Q(status=TaskStatus.FAILED)),
            at_work=Count("pk", filter=Q(status__in=HELD)),
            mean_cost=Avg("cost_usd", filter=Q(status=TaskStatus.COMPLETED, cost_usd__gt=0)),
        )
        .order_by()
    )
    return {
        row["agent_id"]: Record(
            completed=row["completed"],
            failed=row["failed"],
            rejected=rejected.get(row["agent_id"], 0),
            at_work=row["at_work"],
            mean_cost=row["mean_cost"],
        )
        for row in rows
    }
