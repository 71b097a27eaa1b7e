"""A task's page: where it stands and how it came there, what it made, what was said of it, what it cost."""

from collections.abc import Container, Mapping
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Length, Right
from django.urls import reverse

from agents.models import Usage
from coordinator.dashboard import missions, rows, spending, stories
from missions import archiving
from missions import outputs as runs_output
from missions.lifecycle import TaskStatus
from missions.models import Advisory, Execution, ExecutionOutput, Report, Review, Task

SHOWN = 100
REPORTS = 60
LINES = 200
RUN_TAIL = 16_000
"""Characters of a run's output that the page shows; all of it is behind its link."""


def index(filters: Mapping[str, str]) -> Mapping[str, Any]:
    """The tasks that the filters in the address leave, the most recently changed first; 2 statements."""
    found = Task.objects.all()
    if status := filters.get("status"):
        found = found.filter(status=status)
    if filters.get("ready"):
        found = found.ready()
    if words := filters.get("q"):
        found = found.filter(Q(objective__icontains=words) | Q(task_id__icontains=words))
    listed = found.select_related("agent", "mission").order_by("-updated_at", "-pk")[:SHOWN]
    return {"tasks": [{**missions.card(task), "mission": task.mission} for task in listed], "total": found.count()}


def headline(key: str) -> Mapping[str, Any]:
    """The task with what it belongs to, waits for and serves; 6 statements."""
    task = Task.objects.shown().identified(key)
    return {
        "task": task,
        "claim": getattr(task, "claim", None),
        "needs": list(task.depends_on.all()),
        "unblocks": list(task.unblocks.order_by("pk")[:20]),
        "links": list(task.requirement_links.select_related("requirement")),
        "advice": list(Advisory.objects.open().filter(task=task).order_by("-opened_at")[:5]),
        "reviewed": task.status == TaskStatus.PENDING_REVIEW,
    }


def path(task: Task) -> Mapping[str, Any]:
    """The states that it went through, loops and all; 1 statement while its mission goes on."""
    told = archiving.entries_of(task.mission).of_task(task.pk)
    moves = list(told.filter(kind="task.moved").order_by("-pk")[:30])[::-1]
    steps: list[dict[str, Any]] = [{"status": str(move.data["before"]), "at": None} for move in moves[:1]]
    steps += [{"status": str(move.data["after"]), "at": move.occurred_at} for move in moves]
    return {"steps": steps}


def outputs(task: Task) -> list[dict[str, Any]]:
    """What it has made: each output's name and value, a link when it is an address of the web."""
    return [
        {"name": name, "value": value, "link": isinstance(value, str) and value.startswith(("https://", "http://"))}
        for name, value in sorted(task.outputs.items())
    ]


def log(task_id: int) -> Mapping[str, Any]:
    """The lines of its reports, oldest first; 1 statement."""
    reports = list(Report.objects.filter(task_id=task_id).select_related("agent", "by").order_by("-pk")[:REPORTS])[::-1]
    lines = [_line(report, number, line) for report in reports for number, line in enumerate(report.logs)]
    return {"lines": lines[-LINES:], "reports": len(reports)}


def _line(report: Report, number: int, line: Mapping[str, Any]) -> dict[str, Any]:
    level = str(line.get("level") or "info").lower()
    return {
        "id": f"{report.pk}-{number}",
        "at": report.at,
        "level": level,
        "tone": {"error": "failed", "critical": "failed", "warning": "waiting", "warn": "waiting"}.get(level, "idle"),
        "text": line.get("message", ""),
        "who": report.agent.name if report.agent else stories.short(report.by.email),
    }


def reviews(task_id: int) -> Mapping[str, Any]:
    """Every verdict, the newest first; 1 statement."""
    found = Review.objects.filter(task_id=task_id).select_related("reviewer").order_by("-pk")[:20]
    return {
        "reviews": [
            {
                "id": review.pk,
                "status": "approved" if review.approved else "rejected",
                "who": review.reviewer.shown_name,
                "comment": review.comment,
                "at": review.at,
            }
            for review in found
        ]
    }


def runs(task_id: int) -> Mapping[str, Any]:
    """The executions by its agent's adapter, the last with the end of its output, an open one with that so far; at
    most 2 statements."""
    rows = Execution.objects.filter(task_id=task_id).select_related("agent").order_by("-pk")
    shown = rows.defer("prompt", "output").annotate(tail=Right("output", RUN_TAIL), characters=Length("output"))[:10]
    found = list(shown)
    if found and not found[0].has_ended:
        found[0].tail = runs_output.tail(found[0].pk, characters=RUN_TAIL)
    return {"runs": found}


def runs_stamp(task_id: int) -> str:
    """Changes with each piece that a run of the task puts out; 1 statement."""
    chunks = ExecutionOutput.objects.filter(execution__task=task_id, execution__state__in=Execution.OPEN)
    return str(chunks.aggregate(last=Max("pk"))["last"] or 0)


def cost(task_id: int) -> Mapping[str, Any]:
    """What it cost by model; 1 statement."""
    used = Usage.objects.filter(task_id=task_id)
    return {"by_model": spending.by_model(used)}


def trace(task: Task, scopes: Container[str]) -> Mapping[str, Any]:
    """Its last entries; at most 3 statements while its mission goes on."""
    found = archiving.entries_of(task.mission).of_task(task.pk).readable_with(scopes).order_by("-pk")[:50]
    return {"entries": stories.tell(*rows.titled(found), here=reverse("pages:task", args=[task.pk]))}
