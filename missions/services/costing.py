"""Adding cost to a task and to its mission, beside the usage row that tells where it comes from."""

from datetime import datetime
from decimal import Decimal

from django.db.models import F

from agents.models import Agent
from missions.events import MissionCosted, TaskCosted
from missions.models import Mission, Task
from traceability import ledger
from traceability.events import Actor

MICRO = Decimal("0.000001")


def add_cost(
    *,
    mission: Mission | None,
    task: Task | None,
    cost_usd: Decimal,
    agent: Agent | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Adds `cost_usd` to the task and its mission, or to the mission alone when no task is named.

    A task's mission is always the one that pays; cost that belongs to neither stays with the agent's usage.
    """
    payer = task.mission if task else mission
    cost_usd = cost_usd.quantize(MICRO)
    if payer is None or not cost_usd:
        return
    with ledger.writing():
        Mission.objects.filter(pk=payer.pk).update(cost_usd=F("cost_usd") + cost_usd)
        if task is None:
            told: MissionCosted | TaskCosted = MissionCosted(
                mission=payer.ref, agent=agent.ref if agent else None, cost_usd=cost_usd
            )
        else:
            Task.objects.filter(pk=task.pk).update(cost_usd=F("cost_usd") + cost_usd)
            told = TaskCosted(mission=payer.ref, task=task.ref, agent=agent.ref if agent else None, cost_usd=cost_usd)
        ledger.record(told, actor=actor, at=now)
