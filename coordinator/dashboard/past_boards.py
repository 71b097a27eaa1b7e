"""A folded state as a board: the tasks in a column for each state, and the mission's figures."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.models import Agent
from coordinator.dashboard import rows
from coordinator.templatetags.look import span
from missions.lifecycle import TaskStatus
from missions.models import Task
from missions.replaying.state import ERASED, State

CARDS = 40
ALWAYS = (
    TaskStatus.PENDING,
    TaskStatus.IN_PROGRESS,
    TaskStatus.BLOCKED,
    TaskStatus.PENDING_REVIEW,
    TaskStatus.COMPLETED,
)
COLUMNS = (
    TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED, TaskStatus.FAILED, TaskStatus.PENDING_REVIEW,
    TaskStatus.REJECTED, TaskStatus.COMPLETED,
)  # fmt: skip

Fields = dict[str, Any]


def facts(state: State) -> Mapping[str, Any]:
    """What the mission was, in figures."""
    counts = dict(Counter(task["status"] for task in state.tasks.values()))
    return {
        "status": state.status,
        "bar": rows.stack(counts),
        "progress": rows.share_done(counts),
        "total": len(state.tasks),
        "spent": state.cost_usd,
        "people": len(state.participants),
        "waiting": sum(each["state"] == "pending" for each in state.approvals.values()),
        "advice": sum(not each["resolved"] for each in state.advisories.values()),
        "runs": sum(each["state"] in {"queued", "running"} for each in state.executions.values()),
        "process": state.process["state"],
    }


def columns(state: State, at: datetime) -> list[dict[str, Any]]:
    """A column for each state of tasks, with at most 40 cards; one statement, for the names of agents."""
    by_status: dict[str, list[Fields]] = defaultdict(list)
    for task in state.tasks.values():
        by_status[task["status"]].append(task)
    shown = {status: _first(status, by_status[status]) for status in COLUMNS if status in ALWAYS or by_status[status]}
    names = _names({task["agent"] for tasks in shown.values() for task in tasks if task["agent"]})
    return [
        {
            "status": status.value,
            "count": len(by_status[status]),
            "cards": [_card(task, names, at) for task in tasks],
            "more": len(by_status[status]) - len(tasks),
        }
        for status, tasks in shown.items()
    ]


def _first(status: TaskStatus, tasks: list[Fields]) -> list[Fields]:
    """In the order of the live board: what ended last first, other tasks by priority and by how long they wait."""
    if status == TaskStatus.COMPLETED:
        return sorted(tasks, key=lambda task: str(task["since"]), reverse=True)[:CARDS]
    return sorted(tasks, key=lambda task: (-task["fields"]["priority"], task["since"]))[:CARDS]


def _names(keys: set[str]) -> dict[str, str]:
    return dict(Agent.objects.filter(agent_id__in=keys).values_list("agent_id", "name")) if keys else {}


def _card(task: Fields, names: Mapping[str, str], at: datetime) -> dict[str, Any]:
    fields = task["fields"]
    priority = Task.Priority(fields["priority"])
    return {
        "key": fields["task_id"],
        "objective": fields["objective"] or ERASED,
        "agent": names.get(task["agent"], task["agent"] or ""),
        "lasted": span(max(0.0, (at - datetime.fromisoformat(task["since"])).total_seconds())),
        "priority": priority.label if priority > Task.Priority.NORMAL else "",
        "status": task["status"],
        "share": task["percent"] / 100,
        "cost": task["cost_usd"],
        "attempts": task["attempts"],
    }
