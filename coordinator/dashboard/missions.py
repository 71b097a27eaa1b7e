"""The mission index and the parts of a mission's page."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Case, Q, When
from django.urls import reverse

from agents.models import Usage
from coordinator.dashboard import rows, spending, stories, timelines
from coordinator.dashboard.charts import curves, lanes
from coordinator.dashboard.lens import of_person
from missions import archiving
from missions.lifecycle import MISSION_MOVES, MissionStatus, TaskStatus
from missions.models import Advisory, Mission, MissionProcess, Participation, RequirementLink, Task

INDEX_SHOWN = 100
CARDS = 40
RUNNING_FIRST = Case(When(status=MissionStatus.ACTIVE, then=0), When(status=MissionStatus.PAUSED, then=1), default=2)
TABS = (
    ("board", "Board"), ("timeline", "Timeline"), ("replay", "Replay"), ("cost", "Cost"), ("people", "People"),
    ("requirements", "Requirements"), ("trace", "Trace"),
)  # fmt: skip
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
STEPS = {
    MissionStatus.ACTIVE: ("start", "Start"),
    MissionStatus.PAUSED: ("pause", "Pause"),
    MissionStatus.COMPLETED: ("complete", "Complete"),
    MissionStatus.CANCELLED: ("cancel", "Cancel"),
}
WINDOWS = {"hour": "1 h", "day": "24 h", "week": "7 d", "all": "All"}


def index(filters: Mapping[str, str], viewer: int) -> Mapping[str, Any]:
    """The missions that the filters in the address leave; 1 statement, 2 when some have to be counted."""
    found = Mission.objects.all()
    if status := filters.get("status"):
        found = found.filter(status=status)
    if words := filters.get("q"):
        found = found.filter(Q(goal__icontains=words) | Q(mission_id__icontains=words))
    if filters.get("owner") == "me":
        found = found.filter(of_person(viewer))
    if filters.get("stuck"):
        stuck = Task.objects.filter(status__in=[TaskStatus.BLOCKED, TaskStatus.FAILED]).values("mission_id")
        found = found.filter(pk__in=stuck)
    listed, total = rows.missions(found.order_by(RUNNING_FIRST, "-updated_at", "-pk"), INDEX_SHOWN)
    return {"missions": listed, "total": total}


def headline(key: str) -> Mapping[str, Any]:
    """The mission's own row with its process and the moves that are open; 2 statements, 3 when it has to be counted."""
    found = Mission.objects.annotate(head=rows.HEAD).select_related("owner", "process__owner", "standing")
    mission = found.identified(key)
    figures = rows.figures_of([mission])[mission.pk]
    counts = figures.counts
    steps = [STEPS[after] for after in MISSION_MOVES[MissionStatus(mission.status)]]
    advice = Advisory.objects.open().filter(mission=mission).order_by("-opened_at")[:5]
    return {
        "mission": mission,
        "process": mission.process,
        "error": mission.process.last_error.strip().rpartition("\n")[2],
        "waits": mission.process.state == MissionProcess.State.RUNNING and mission.process.owner is None,
        "counts": counts,
        "total": sum(counts.values()),
        "bar": rows.stack(counts),
        "progress": rows.share_done(counts),
        "steps": [{"verb": verb, "word": word, "main": verb == "start"} for verb, word in steps],
        "advice": list(advice),
        **rows.pace(mission, figures),
    }


def board(mission_id: int) -> Mapping[str, Any]:
    """The tasks as cards in a column for each state; at most 9 statements."""
    counts = rows.counted(mission_id)
    shown = [status for status in COLUMNS if status in ALWAYS or counts.get(status)]
    return {
        "columns": [_column(mission_id, status, counts.get(status, 0)) for status in shown],
        "total": sum(counts.values()),
    }


def _column(mission_id: int, status: TaskStatus, count: int) -> dict[str, Any]:
    order = ["-ended_at", "-pk"] if status == TaskStatus.COMPLETED else ["-priority", "status_since", "pk"]
    found = Task.objects.filter(mission_id=mission_id, status=status).select_related("agent").order_by(*order)
    cards = [card(task) for task in found[:CARDS]] if count else []
    return {"status": status.value, "count": count, "cards": cards, "more": count - len(cards)}


def card(task: Task) -> dict[str, Any]:
    """A task on a board; needs its agent loaded."""
    return {
        "id": task.pk,
        "key": task.key,
        "objective": task.objective,
        "agent": task.agent.name if task.agent else "",
        "since": task.status_since,
        "priority": task.get_priority_display() if task.priority > Task.Priority.NORMAL else "",
        "status": task.status,
        "share": task.percent / 100,
        "cost": task.cost_usd,
        "due": task.due_at,
        "attempts": task.attempts,
        "stamp": f"{task.version}-{task.cost_usd}",
    }


def timeline(mission: Mission, window: str, scopes: Container[str], now: datetime) -> Mapping[str, Any]:
    """One lane for each agent over the chosen window, with the cost below; at most 8 statements."""
    start = timelines.start_of(mission, window, now)
    drawn = timelines.lanes_of(mission, start, now)
    start = max(start, timelines.begun(drawn, start))
    spent = timelines.cost_curve(mission.pk, start, now)
    events = stories.loud(archiving.entries_of(mission).readable_with(scopes)).order_by("-pk")[:15]
    return {
        "timeline": lanes.timeline(drawn, start, now, spent) if drawn else "",
        "lanes": [(lane.name, len(lane.bars), len(lane.gems)) for lane in drawn],
        "events": stories.tell(*rows.titled(events), here=reverse("pages:mission", args=[mission.pk])),
    }


def cost(mission: Mission, now: datetime) -> Mapping[str, Any]:
    """What was spent, over time and by agent, task and model; 4 statements."""
    used = Usage.objects.filter(mission_id=mission.pk)
    start = timelines.start_of(mission, "all", now)
    return {
        "curve": curves.cost(timelines.cost_curve(mission.pk, start, now), mission.budget_usd),
        "by_agent": spending.by_agent(used),
        "by_task": spending.by_task(used),
        "by_model": spending.by_model(used),
        "budget": mission.budget_usd,
        "spent": mission.cost_usd,
    }


def people(mission_id: int) -> Mapping[str, Any]:
    """Who takes part, agents first; 1 statement."""
    found = Participation.objects.filter(mission_id=mission_id).select_related("agent", "member")
    return {"people": [_participant(part) for part in found.order_by("agent__name", "member__email")]}


def _participant(part: Participation) -> dict[str, Any]:
    if part.agent:
        return {"name": part.agent.name, "href": reverse("pages:agent", args=[part.agent.key]), "kind": "Agent",
                "status": part.agent.status, "role": part.role, "since": part.joined_at}  # fmt: skip
    assert part.member is not None
    return {"name": part.member.shown_name, "href": "", "kind": "Person", "status": "", "role": part.role,
            "since": part.joined_at}  # fmt: skip


def requirements(mission_id: int) -> Mapping[str, Any]:
    """The requirements that its tasks serve, each with those tasks; 1 statement."""
    links = RequirementLink.objects.filter(task__mission_id=mission_id).select_related(
        "task", "requirement__key_result"
    )
    found: dict[int, dict[str, Any]] = {}
    for link in links.order_by("requirement__requirement_id", "task_id")[:1000]:
        row = found.setdefault(link.requirement_id, {"requirement": link.requirement, "tasks": [], "stale": 0})
        row["tasks"].append(link.task)
        row["stale"] += link.revision != link.requirement.revision
    return {"served": list(found.values())}


def trace(mission: Mission, scopes: Container[str], limit: int = 100) -> Mapping[str, Any]:
    """The last entries of the mission; 3 statements while it goes on."""
    found = archiving.entries_of(mission).readable_with(scopes).order_by("-pk")[:limit]
    return {"entries": stories.tell(*rows.titled(found), here=reverse("pages:mission", args=[mission.pk]))}
