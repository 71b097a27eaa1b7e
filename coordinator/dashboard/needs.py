"""What waits for a person, the most urgent first: failures, questions, approvals, blocked work, reviews, advice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Value
from django.urls import reverse
from django.utils import timezone

from agents.health import AgentStatus
from agents.models import Agent
from coordinator.dashboard.lens import Lens
from coordinator.lib.chips import look
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Mission, Task
from policies.models import Approval

SHOWN = 12
EACH = 50
"""Rows read of each source; beyond it only the count tells."""

RANK = {"failed": 0, "critical": 0, "waiting": 1, "approval": 1, "blocked": 2, "review": 3, "warning": 4}
STUCK = (TaskStatus.FAILED, TaskStatus.BLOCKED)
WAITING_WORK = (*STUCK, TaskStatus.PENDING_REVIEW)
AGENTS_IN_NEED = (AgentStatus.ERROR, AgentStatus.WAITING, AgentStatus.BLOCKED)


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing that waits. `act` names the address to which a decision about `key` is posted, if one can be made."""

    id: str
    rank: int
    tone: str
    icon: str
    word: str
    title: str
    href: str
    why: str
    since: datetime
    version: object = ""
    who: str = ""
    mission: str = ""
    act: str = ""
    key: object = ""
    scope: str = ""


@dataclass(frozen=True)
class Queue:
    """The needs that are shown, and how many there are."""

    needs: list[Need]
    total: int


def queue(lens: Lens, *, limit: int = SHOWN) -> Queue:
    """What waits in view; 4 statements, whatever waits."""
    work = _tasks(lens, WAITING_WORK)
    held = list(approvals(lens)[:EACH])
    advice = list(_advice(lens).select_related("mission", "task", "agent").order_by("opened_at")[:EACH])
    known = {task.pk for task in work}
    stuck = [agent for agent in agents(lens)[:EACH] if agent.current_task_id not in known]
    told = [*map(of_task, work), *map(of_approval, held), *map(of_agent, stuck), *map(of_advice, advice)]
    told.sort(key=lambda need: (need.rank, need.since))
    return Queue(told[:limit], len(told))


def badges() -> dict[str, int]:
    """The numbers of the navigation, for everybody alike; 1 statement."""
    everything = Lens("", ())
    work = Task.objects.filter(mission__status=MissionStatus.ACTIVE, status__in=WAITING_WORK)
    troubled = Agent.objects.filter(status__in=[AgentStatus.ERROR, AgentStatus.WAITING])
    counted = [
        ("work", work),
        ("approvals", approvals(everything)),
        ("agents", troubled),
        ("advice", _advice(everything)),
    ]
    found = _counts([*counted, ("missions", Mission.objects.active())])
    return {
        "needs": sum(found.get(name, 0) for name, _ in counted),
        "approvals": found.get("approvals", 0),
        "missions": found.get("missions", 0),
    }


def unanswered(lens: Lens) -> tuple[int, int]:
    """How many questions of agents and how many held actions in view wait for a person; 1 statement."""
    questions = agents(lens).filter(status=AgentStatus.WAITING)
    found = _counts([("questions", questions), ("held", approvals(lens))])
    return found.get("questions", 0), found.get("held", 0)


def _counts(named: Iterable[tuple[str, Any]]) -> dict[str, int]:
    first, *others = [_count(name, rows) for name, rows in named]
    return dict(first.union(*others, all=True))


def _count(name: str, rows: Any) -> Any:
    """One row with the name and how many there are; none when there is none."""
    return rows.order_by().annotate(name_=Value(name)).values_list("name_").annotate(count=Count("pk"))


def of_task(task: Task) -> Need:
    seen = look(task.status)
    return Need(
        id=f"task-{task.pk}",
        rank=RANK.get(seen.tone, 2),
        tone=seen.tone,
        icon=seen.icon,
        word=seen.word,
        title=task.objective,
        href=reverse("pages:task", args=[task.key]),
        who=task.agent.name if task.agent else "",
        why=_reason(task),
        mission=task.mission.goal,
        since=task.status_since,
        version=task.version,
        act="pages:act-task" if task.status == TaskStatus.PENDING_REVIEW else "",
        key=task.key,
        scope="tasks:review",
    )


def of_approval(approval: Approval) -> Need:
    return Need(
        id=f"approval-{approval.pk}",
        rank=RANK["approval"],
        tone="waiting",
        icon="shield",
        word="Waits for approval",
        title=approval.summary,
        href=reverse("pages:approvals") + f"#approval-{approval.pk}",
        who=approval.agent_key or approval.requester_name,
        why=approval.reason,
        mission=approval.mission_key,
        since=approval.created_at,
        act="pages:act-approval",
        key=approval.pk,
        scope="approvals:decide",
    )


def of_agent(agent: Agent) -> Need:
    seen = look(agent.status)
    return Need(
        id=f"agent-{agent.pk}",
        rank=RANK.get(seen.tone, 2),
        tone=seen.tone,
        icon=seen.icon,
        word=seen.word,
        title=agent.name,
        href=reverse("pages:agent", args=[agent.key]),
        why=agent.status_reason or seen.word,
        since=agent.status_since,
        version=agent.version,
    )


def of_advice(advisory: Advisory) -> Need:
    return Need(
        id=f"advisory-{advisory.pk}",
        rank=RANK[advisory.severity],
        tone="failed" if advisory.severity == Advisory.Severity.CRITICAL else "waiting",
        icon="flag",
        word=f"Advice, {advisory.severity}",
        title=advisory.message,
        href=_page_of(advisory),
        why=advisory.kind.replace("_", " ").capitalize(),
        since=advisory.opened_at,
        act="pages:act-advisory",
        key=advisory.pk,
        scope="tasks:review",
    )


def _tasks(lens: Lens, statuses: Iterable[TaskStatus]) -> list[Task]:
    rows = lens.tasks().filter(status__in=list(statuses), mission__status=MissionStatus.ACTIVE)
    return list(rows.select_related("mission", "agent").order_by("status_since")[: 2 * EACH])


def approvals(lens: Lens) -> Any:
    """The held actions in view that nobody has decided."""
    rows = Approval.objects.pending().order_by("pk")
    if lens.person is None and lens.sprint is None:
        return rows
    return rows.filter(mission_id__in=lens.missions().values("pk"))


def agents(lens: Lens) -> Any:
    """The agents in view that cannot go on."""
    rows = Agent.objects.filter(status__in=AGENTS_IN_NEED).order_by("status_since")
    if lens.person is None and lens.sprint is None:
        return rows
    return rows.filter(current_task_id__in=lens.tasks().values("pk"))


def _advice(lens: Lens) -> Any:
    serious = [Advisory.Severity.WARNING, Advisory.Severity.CRITICAL]
    rows = Advisory.objects.open().awake(timezone.now()).filter(acknowledged_at__isnull=True, severity__in=serious)
    if lens.person is None and lens.sprint is None:
        return rows
    return rows.filter(mission__in=lens.missions().values("pk"))


def _reason(task: Task) -> str:
    """What the outputs say of finished work, else how often it was tried."""
    if summary := task.outputs.get("summary"):
        return str(summary)[:200]
    if task.status == TaskStatus.PENDING_REVIEW:
        return "Reported as done" + (f", pull request {task.outputs['pr_url']}" if task.outputs.get("pr_url") else "")
    return look(task.status).word + (f", attempt {task.attempts}" if task.attempts > 1 else "")


def _page_of(advisory: Advisory) -> str:
    for noun in ("task", "mission", "agent"):
        if row := getattr(advisory, noun):
            return reverse(f"pages:{noun}", args=[row.key])
    return reverse("pages:overview")


def reviews() -> list[Need]:
    """Every piece of work in review, the oldest first; 1 statement."""
    return [of_task(task) for task in _tasks(Lens("", ()), (TaskStatus.PENDING_REVIEW,))]
