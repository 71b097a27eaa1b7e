"""What policies may ask about a task or a mission: plain values, part of the input that is judged and stored."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model, Sum

from agents.models import Agent, Usage
from coordinator.lib.money import plain_money
from missions.models import Execution, Mission, Task
from policies.subjects import Subjects

SPENDERS: dict[str, type[Model]] = {"agent": Agent, "task": Task, "mission": Mission}


def of_task_move(task: Task, before: str, after: str, *, now: datetime) -> dict[str, Any]:
    """The action `task_transition`; needs the task's mission and agent loaded. Money as text."""
    return {
        "action_type": "task_transition",
        "from": str(before),
        "to": str(after),
        "priority": task.priority,
        "percent": task.percent,
        "attempts": task.attempts,
        "objective": task.objective,
        "has_agent": task.agent_id is not None,
        "criteria": len(task.acceptance_criteria),
        "capabilities": list(task.required_capabilities),
        "outputs": sorted(task.outputs),
        "overdue": task.due_at is not None and task.due_at < now,
        "cost_usd": plain_money(task.cost_usd),
        **_share(task.cost_usd, task.budget_usd),
        "mission": of_mission(task.mission),
    }


def of_mission(mission: Mission) -> dict[str, Any]:
    return {
        "key": mission.key,
        "status": str(mission.status),
        "review_required": mission.review_required,
        "cost_usd": plain_money(mission.cost_usd),
        **_share(mission.cost_usd, mission.budget_usd),
    }


def of_mission_move(mission: Mission, before: str, after: str, *, now: datetime) -> dict[str, Any]:
    """The action `mission_transition`."""
    return {
        "action_type": "mission_transition",
        "from": str(before),
        "to": str(after),
        "overdue": mission.deadline is not None and mission.deadline < now,
        "mission": of_mission(mission),
    }


def of_execution(run: Execution, *, now: datetime) -> dict[str, Any]:
    """The action `execution`, while it runs; cost and budget are the task's. Needs mission, task and agent loaded."""
    model = run.agent.adapter_config.get("model")
    return {
        "action_type": "execution",
        "adapter": run.adapter,
        **({"model": model} if isinstance(model, str) else {}),
        "attempt": run.attempt,
        "running_minutes": int((now - (run.started_at or now)).total_seconds() // 60),
        "cost_usd": plain_money(run.task.cost_usd),
        **({} if run.task.budget_usd is None else {"budget_usd": plain_money(run.task.budget_usd)}),
        **_share(run.task.cost_usd, run.task.budget_usd),
        "mission": of_mission(run.mission),
    }


def costs(
    spans: Iterable[tuple[str, timedelta | None]], subjects: Subjects, *, now: datetime
) -> dict[tuple[str, timedelta | None], Decimal]:
    """What the agent, task or mission has cost within each span, None being all time. Reported usage of unknown cost
    adds nothing; a span of a subject that is not known is left out.
    """
    refs = {noun: getattr(subjects, noun) for noun in SPENDERS}
    return {
        (noun, window): _cost(noun, ref.id, None if window is None else now - window)
        for noun, window in spans
        if (ref := refs[noun]) is not None
    }


def _cost(noun: str, number: int, since: datetime | None) -> Decimal:
    if since is None:
        return SPENDERS[noun]._default_manager.values_list("cost_usd", flat=True).get(pk=number) or Decimal(0)
    spent = Usage.objects.filter(**{f"{noun}_id": number}, at__gte=since).aggregate(total=Sum("cost_usd"))
    return spent["total"] or Decimal(0)


def _share(cost: Any, budget: Any) -> dict[str, int]:
    """Whole percent of the budget that is spent. Without a budget there is no such fact, so no policy matches it."""
    if budget is None:
        return {}
    return {"budget_used_percent": int(cost * 100 / budget) if budget else 100}
