"""The agents' page and one agent's: how they are, what they do, what they did, what they cost."""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse

from agents.health import ActivityEvent
from agents.models import Activity, Agent, Usage
from coordinator.dashboard import missions, overview, rows, spending, stories
from coordinator.lib.chips import look
from missions.lifecycle import TaskStatus
from missions.models import Task
from traceability.models import Entry

SHOWN = 120
DAY = timedelta(days=1)


def index(filters: Mapping[str, str], now: datetime) -> Mapping[str, Any]:
    """The agents that the filters leave, those that need somebody first; 2 statements."""
    found = Agent.objects.all()
    if status := filters.get("status"):
        found = found.filter(status=status)
    if capability := filters.get("capability"):
        found = found.capable_of(capability)
    if words := filters.get("q"):
        found = found.filter(Q(name__icontains=words) | Q(agent_id__icontains=words))
    listed = overview.tiles_of(overview.by_urgency(found)[:SHOWN], now)
    return {"agents": listed, "total": listed[0]["of"] if listed else 0}


def summary() -> Mapping[str, Any]:
    """How many agents stand where; 1 statement."""
    states = dict(Agent.objects.values_list("status").annotate(Count("pk")).order_by())
    return {"states": [(str(status), states[status]) for status in overview.URGENCY if status in states]}


def headline(key: str) -> Mapping[str, Any]:
    """The agent and the task it is at; 2 statements."""
    agent = Agent.objects.identified(key)
    task = (
        Task.objects.filter(pk=agent.current_task_id).select_related("mission").first()
        if agent.current_task_id
        else None
    )
    return {"agent": agent, "task": task, "look": look(agent.status)}


def work(agent_id: int) -> Mapping[str, Any]:
    """Its open tasks and the last that ended; 3 statements."""
    mine = Task.objects.filter(agent_id=agent_id).select_related("agent", "mission")
    ended = (TaskStatus.COMPLETED, TaskStatus.FAILED)
    record = mine.aggregate(
        done=Count("pk", filter=Q(status=TaskStatus.COMPLETED)),
        failed=Count("pk", filter=Q(status=TaskStatus.FAILED)),
        first=Count("pk", filter=Q(status=TaskStatus.COMPLETED, attempts__lte=1)),
    )
    return {
        "open": [_row(task) for task in mine.exclude(status__in=ended).order_by("-priority", "pk")[:30]],
        "ended": [_row(task) for task in mine.filter(status__in=ended).order_by("-ended_at", "-pk")[:10]],
        "record": record,
    }


def _row(task: Task) -> dict[str, Any]:
    return {**missions.card(task), "mission": task.mission}


def activity(agent_id: int) -> Mapping[str, Any]:
    """What it said of itself, the newest first, heartbeats left out; 1 statement."""
    told = Activity.objects.filter(agent_id=agent_id).exclude(event=ActivityEvent.HEARTBEAT)
    found = told.order_by("-at", "-pk")[:25]
    return {"activity": [_told(each) for each in found]}


def _told(each: Activity) -> dict[str, Any]:
    words = each.context.get("message") or each.context.get("reason") or each.context.get("summary") or ""
    return {"id": each.pk, "event": each.event, "at": each.at, "task": each.task_key, "words": str(words)[:200]}


def cost(agent_id: int, now: datetime) -> Mapping[str, Any]:
    """What it cost in the last seven days, by model and by mission; 4 statements."""
    used = Usage.objects.filter(agent_id=agent_id, at__gte=now - 7 * DAY)
    spent = used.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    return {
        "spent": spent,
        "by_model": spending.by_model(used),
        "by_mission": spending.by_mission(used),
    }


def trace(agent_id: int, scopes: Container[str]) -> Mapping[str, Any]:
    """Its last entries; at most 3 statements."""
    found = Entry.objects.of_agent(agent_id).readable_with(scopes).order_by("-pk")[:25]
    return {"entries": stories.tell(*rows.titled(found), here=reverse("pages:agent", args=[agent_id]))}
