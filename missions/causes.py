"""What deserves advice now: each reader asks the database once, whatever the number of missions and tasks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q

from agents.models import Agent
from coordinator.lib.money import plain_money
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Claim, Execution, Mission, MissionProcess, Task
from traceability.canonical import moment

KINDS = (
    "stalled_task", "silent_agent", "review_waiting", "budget", "blocked_chain", "overdue", "process_crashed",
)  # fmt: skip
CRASHES = 3
"""How often a mission's process crashes before somebody should look."""

STALLED_AFTER = timedelta(minutes=30)
REVIEW_WAITS = timedelta(hours=4)
BLOCKED_AFTER = timedelta(minutes=10)
BUDGET_STEPS = {100: Advisory.Severity.CRITICAL, 80: Advisory.Severity.WARNING, 50: Advisory.Severity.INFO}
ENDED = (MissionStatus.COMPLETED, MissionStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One thing that is wrong: `name` stays the same for as long as it is the same thing."""

    name: str
    kind: str
    severity: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)
    mission: Mission | None = None
    task: Task | None = None
    agent: Agent | None = None


def all_causes(now: datetime) -> Iterator[Cause]:
    """Everything that is wrong at `now`, in 9 statements."""
    yield from stalled_tasks(now)
    yield from silent_agents(now)
    yield from waiting_reviews(now)
    yield from used_budgets()
    yield from blocked_chains(now)
    yield from overdue_work(now)
    yield from crashed_processes()


def stalled_tasks(now: datetime) -> Iterator[Cause]:
    """Work in progress of which nothing was heard for a while, whose lease nobody renews and that nobody runs."""
    before = now - STALLED_AFTER
    claimed = Claim.objects.filter(task=OuterRef("pk"), renewed_at__gte=before)
    run = Execution.objects.filter(task=OuterRef("pk"), state=Execution.State.RUNNING)
    rows = _tasks().filter(~Exists(claimed), ~Exists(run), status=TaskStatus.IN_PROGRESS, updated_at__lt=before)
    for task in rows:
        since = task.updated_at
        message = f"Nothing was heard of task {task.key} since {since:%d %b %H:%M} UTC."
        yield _of_task("stalled_task", task, "warning", message, last_heard_at=moment(since), percent=task.percent)


def silent_agents(now: datetime) -> Iterator[Cause]:
    """Agents at work that have not reported for a while, and that we do not run ourselves."""
    before = now - timedelta(seconds=settings.AGENT_SILENT_AFTER_S)
    at_work = Q(tasks__status=TaskStatus.IN_PROGRESS, tasks__mission__status=MissionStatus.ACTIVE)
    run = Execution.objects.filter(agent=OuterRef("pk"), state=Execution.State.RUNNING)
    rows: Any = Agent.objects.filter(~Exists(run), last_seen_at__lt=before)
    for agent in rows.annotate(at_work=Count("tasks", filter=at_work)).filter(at_work__gt=0).order_by("pk"):
        yield Cause(
            name=f"silent_agent:{agent.pk}",
            kind="silent_agent",
            severity=Advisory.Severity.WARNING,
            message=f"Agent {agent.key} is at work and silent since {agent.last_seen_at:%d %b %H:%M} UTC.",
            evidence={"last_seen_at": moment(agent.last_seen_at), "tasks_in_progress": agent.at_work},
            agent=agent,
        )


def waiting_reviews(now: datetime) -> Iterator[Cause]:
    """Work that waits for a person's verdict."""
    for task in _tasks().filter(status=TaskStatus.PENDING_REVIEW, status_since__lt=now - REVIEW_WAITS):
        message = f"Task {task.key} waits for review since {task.status_since:%d %b %H:%M} UTC."
        yield _of_task("review_waiting", task, "warning", message, waits_since=moment(task.status_since))


def used_budgets() -> Iterator[Cause]:
    """Missions and tasks that have used half, four fifths or all of their budget; the highest step reached counts."""
    half_used = Q(budget_usd__gt=0, cost_usd__gte=F("budget_usd") * min(BUDGET_STEPS) / 100)
    for mission in Mission.objects.filter(half_used).exclude(status__in=ENDED):
        yield _budget(f"mission:{mission.pk}", f"Mission {mission.key}", mission, mission=mission)
    for task in _tasks().filter(half_used).exclude(status=TaskStatus.COMPLETED):
        yield _budget(f"task:{task.pk}", f"Task {task.key}", task, mission=task.mission, task=task, agent=task.agent)


def blocked_chains(now: datetime) -> Iterator[Cause]:
    """Blocked or failed tasks that other tasks wait for."""
    waiting = Count("dependents", filter=~Q(dependents__task__status=TaskStatus.COMPLETED))
    stuck = Q(status=TaskStatus.BLOCKED, status_since__lt=now - BLOCKED_AFTER) | Q(status=TaskStatus.FAILED)
    for task in _tasks().filter(stuck).annotate(holds_up=waiting).filter(holds_up__gt=0):
        others = "1 task waits" if task.holds_up == 1 else f"{task.holds_up} tasks wait"
        message = f"Task {task.key} is {task.status}, and {others} for it."
        yield _of_task("blocked_chain", task, "critical", message, holds_up=task.holds_up, status=str(task.status))


def overdue_work(now: datetime) -> Iterator[Cause]:
    """Tasks and missions past their time."""
    for task in _tasks().overdue(now):
        message = f"Task {task.key} was due {task.due_at:%d %b %H:%M} UTC."
        yield _of_task("overdue", task, "warning", message, due_at=moment(task.due_at), percent=task.percent)
    late: Any = Mission.objects.filter(deadline__lt=now).exclude(status__in=ENDED)
    for mission in late:
        yield Cause(
            name=f"overdue:mission:{mission.pk}",
            kind="overdue",
            severity=Advisory.Severity.CRITICAL,
            message=f"Mission {mission.key} is past its deadline of {mission.deadline:%d %b %H:%M} UTC.",
            evidence={"deadline": moment(mission.deadline)},
            mission=mission,
        )


def crashed_processes() -> Iterator[Cause]:
    """Mission processes that crash again and again."""
    crashed = MissionProcess.objects.filter(wanted=True, state=MissionProcess.State.CRASHED, restarts__gte=CRASHES)
    for process in crashed.select_related("mission").order_by("pk"):
        mission = process.mission
        yield Cause(
            name=f"process_crashed:mission:{mission.pk}",
            kind="process_crashed",
            severity=Advisory.Severity.CRITICAL,
            message=f"The process of mission {mission.key} crashes again and again.",
            evidence={"restarts": process.restarts, "last_error": process.last_error[:500]},
            mission=mission,
        )


def _tasks() -> Any:
    rows = Task.objects.filter(mission__status=MissionStatus.ACTIVE)
    return rows.select_related("mission", "agent").order_by("pk")


def _of_task(kind: str, task: Task, severity: str, message: str, **evidence: Any) -> Cause:
    return Cause(
        name=f"{kind}:task:{task.pk}",
        kind=kind,
        severity=severity,
        message=message,
        evidence=evidence,
        mission=task.mission,
        task=task,
        agent=task.agent,
    )


def _budget(name: str, title: str, row: Mission | Task, **about: Any) -> Cause:
    """The cause for a row whose budget is at least half used."""
    used = int(row.cost_usd * 100 / row.budget_usd) if row.budget_usd else 0
    step = next(step for step in BUDGET_STEPS if used >= step)
    cost, budget = plain_money(row.cost_usd), plain_money(row.budget_usd)
    return Cause(
        name=f"budget-{step}:{name}",
        kind="budget",
        severity=BUDGET_STEPS[step],
        message=f"{title} has used {used} % of its budget: {row.cost_usd:.2f} of {row.budget_usd:.2f} USD.",
        evidence={"step_percent": step, "cost_usd": cost, "budget_usd": budget},
        **about,
    )
