"""The overview's regions: five numbers, what waits, burn-up, the last hour, agents, missions."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    Count,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)  # fmt: skip
from django.db.models.functions import TruncDate
from django.utils import timezone

from agents.health import AgentStatus
from agents.models import Activity, Agent, Usage
from coordinator.dashboard import needs, rows, stories
from coordinator.dashboard.charts import bars, curves
from coordinator.dashboard.lens import Lens
from coordinator.templatetags.look import money, span
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Participation, Task

DAYS = 14
AGENTS_SHOWN = 30
MISSIONS_SHOWN = 12
PULSE = timedelta(hours=2)
BIN_S = 300
URGENCY = (
    AgentStatus.ERROR, AgentStatus.WAITING, AgentStatus.BLOCKED, AgentStatus.WORKING, AgentStatus.IDLE,
    AgentStatus.OFFLINE,
)  # fmt: skip
ACTS = {AgentStatus.ERROR, AgentStatus.WAITING, AgentStatus.BLOCKED}
RESTS = {AgentStatus.IDLE, AgentStatus.OFFLINE}


def tiles(lens: Lens, now: datetime) -> Mapping[str, Any]:
    """Five numbers; a tone only where a person must act. 4 statements."""
    states = dict(Agent.objects.values_list("status").annotate(Count("pk")).order_by())
    active = lens.tasks().filter(mission__status=MissionStatus.ACTIVE)
    found = active.aggregate(
        review=Count("pk", filter=Q(status=TaskStatus.PENDING_REVIEW)),
        stuck=Count("pk", filter=Q(status__in=needs.STUCK)),
        oldest=Min("status_since", filter=Q(status=TaskStatus.PENDING_REVIEW)),
    )
    review, stuck = found["review"], found["stuck"]
    return {
        "tiles": [
            _working(states),
            _waiting(lens),
            _tile("In review", review, _oldest(found["oldest"], now), "review" if review else ""),
            _tile("Blocked or failed", stuck, "Tasks that cannot go on", "failed" if stuck else ""),
            _spent(now),
        ]
    }


def _tile(label: str, value: object, note: str, tone: str = "", of: object = "") -> dict[str, object]:
    return {"label": label, "value": value, "note": note, "tone": tone, "of": of}


def _waiting(lens: Lens) -> dict[str, object]:
    """What stands still until a person says a word: questions of agents, and actions that a policy holds."""
    questions, held = needs.unanswered(lens)
    note = f"{_counted(questions, 'question')}, {_counted(held, 'held action')}"
    return _tile("Waiting for a person", questions + held, note, "waiting" if questions + held else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _working(states: Mapping[str, int]) -> dict[str, object]:
    idle, offline = states.get(AgentStatus.IDLE, 0), states.get(AgentStatus.OFFLINE, 0)
    return _tile(
        "Agents working", states.get(AgentStatus.WORKING, 0), f"{idle} idle, {offline} offline", of=sum(states.values())
    )


def _oldest(since: datetime | None, now: datetime) -> str:
    return f"Oldest waits {span((now - since).total_seconds())}" if since else "Nothing waits for a review"


def _spent(now: datetime) -> dict[str, object]:
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = Usage.objects.filter(at__gte=today - timedelta(days=7)).aggregate(
        today=Sum("cost_usd", filter=Q(at__gte=today)),
        before=Sum("cost_usd", filter=Q(at__lt=today)),
        unpriced=Count("pk", filter=Q(at__gte=today, cost_usd__isnull=True)),
    )
    usual = (spent["before"] or Decimal(0)) / 7
    note = f"{spent['unpriced']} reports without a price" if spent["unpriced"] else f"7-day mean {money(usual)}"
    return _tile("Spent today", money(spent["today"] or Decimal(0)), note)


def waiting(lens: Lens) -> Mapping[str, Any]:
    found = needs.queue(lens)
    working = Agent.objects.filter(status=AgentStatus.WORKING).count() if not found.needs else 0
    return {"needs": found.needs, "total": found.total, "working": working}


def burnup(lens: Lens, today: date) -> Mapping[str, Any]:
    """Every task and every finished one, day by day; 2 statements."""
    tasks = lens.tasks()
    days = [today - timedelta(days=DAYS - 1 - back) for back in range(DAYS)]
    scope = _summed(days, tasks, "created_at")
    done = _summed(days, tasks.filter(status=TaskStatus.COMPLETED), "ended_at")
    return {"burnup": curves.burnup(days, scope, done) if scope[-1] else ""}


def _summed(days: Sequence[date], tasks: QuerySet[Task], field: str) -> list[int]:
    """How many had happened by the end of each day."""
    counts = dict(
        tasks.filter(**{f"{field}__isnull": False})
        .annotate(day=TruncDate(field))
        .values_list("day")
        .annotate(Count("pk"))
        .order_by()
    )
    return [sum(count for at, count in counts.items() if at <= day) for day in days]


def feed(scopes: frozenset[str], now: datetime) -> Mapping[str, Any]:
    """What happened in the last hour; at most 3 statements."""
    return {"feed": stories.tell(*rows.titled(stories.recent(now - timedelta(hours=1), scopes)))}


def agents(lens: Lens, now: datetime) -> Mapping[str, Any]:
    """Those that need somebody first; 2 statements."""
    seen = Agent.objects.all()
    if lens.person is not None:
        seen = seen.filter(pk__in=Participation.objects.filter(mission__in=lens.missions()).values("agent_id"))
    if lens.sprint is not None:
        seen = seen.filter(pk__in=Task.objects.filter(sprint_id=lens.sprint).values("agent_id"))
    found = tiles_of(by_urgency(seen)[:AGENTS_SHOWN], now)
    return {"agents": found, "agents_total": found[0]["of"] if found else 0}


def by_urgency(agents: QuerySet[Agent]) -> Any:
    """Those that need somebody first, each with its task's objective (`at_work`) and how many there are (`of`)."""
    order = Case(
        *(When(status=status, then=Value(place)) for place, status in enumerate(URGENCY)), output_field=IntegerField()
    )
    task = Task.objects.filter(pk=OuterRef("current_task_id")).values("objective")
    told = agents.annotate(urgency=order, at_work=Subquery(task), of=Window(Count("pk")))
    return told.order_by("urgency", "name", "pk")


def tiles_of(agents: Any, now: datetime) -> list[dict[str, Any]]:
    """The agents of `by_urgency` with the pulse of their last two hours; 2 statements."""
    found = list(agents)
    beats = pulses([agent.pk for agent in found], now)
    return [
        {
            "id": agent.pk,
            "key": agent.key,
            "name": agent.name,
            "kind": agent.adapter_module,
            "status": agent.status,
            "since": agent.status_since,
            "acts": agent.status in ACTS,
            "rests": agent.status in RESTS,
            "task": agent.at_work or agent.current_task_key,
            "pulse": bars.pulse(beats.get(agent.pk, [0] * (int(PULSE.total_seconds()) // BIN_S))),
            "cost": agent.cost_usd,
            "seen": agent.last_seen_at,
            "health": agent.health_state,
            "of": agent.of,
        }
        for agent in found
    ]


def pulses(agent_ids: Sequence[int], now: datetime) -> dict[int, list[int]]:
    """How many events each agent reported in each five minutes of the last two hours; 1 statement."""
    bins = int(PULSE.total_seconds()) // BIN_S
    found: dict[int, list[int]] = {}
    told = Activity.objects.filter(agent_id__in=agent_ids, at__gte=now - PULSE, at__lte=now)
    for agent_id, at in told.order_by("-at").values_list("agent_id", "at")[:20_000]:
        counts = found.setdefault(agent_id, [0] * bins)
        counts[max(0, bins - 1 - int((now - at).total_seconds() // BIN_S))] += 1
    return found


def missions(lens: Lens) -> Mapping[str, Any]:
    """The active ones with their progress; 2 statements."""
    found, total = rows.missions(lens.missions().active().order_by("deadline", "pk"), MISSIONS_SHOWN)
    return {"missions": found, "missions_total": total}
