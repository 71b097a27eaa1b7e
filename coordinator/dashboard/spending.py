"""What was spent, shared out by agent, model, task or mission; the dearest first."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum

from agents.models import Agent, Usage
from coordinator.dashboard import rows
from missions.models import Mission

MOST = 8
TOKENS = Sum(F("input_tokens") + F("output_tokens") + F("cache_read_tokens") + F("cache_write_tokens"))


def by_model(used: QuerySet[Usage]) -> list[dict[str, Any]]:
    """1 statement."""
    found = _grouped(used, "model")
    return _shares(found, {})


def by_agent(used: QuerySet[Usage]) -> list[dict[str, Any]]:
    """2 statements."""
    found = _grouped(used, "agent_id")
    names = dict(Agent.objects.filter(pk__in=[key for key, *_ in found]).values_list("pk", "name"))
    return _shares(found, names)


def by_task(used: QuerySet[Usage]) -> list[dict[str, Any]]:
    """2 statements."""
    found = _grouped(used, "task_id")
    return _shares(found, rows.objectives([key for key, *_ in found if key]))


def by_mission(used: QuerySet[Usage]) -> list[dict[str, Any]]:
    """2 statements."""
    found = _grouped(used, "mission_id")
    names = dict(Mission.objects.filter(pk__in=[key for key, *_ in found]).values_list("pk", "goal"))
    return _shares(found, names)


def _grouped(used: QuerySet[Usage], column: str) -> list[tuple[Any, Decimal | None, int]]:
    grouped = used.values_list(column).annotate(cost=Sum("cost_usd"), tokens=TOKENS)
    return list(grouped.order_by(F("cost").desc(nulls_last=True), column)[:MOST])


def _shares(found: list[tuple[Any, Decimal | None, int]], names: Mapping[Any, str]) -> list[dict[str, Any]]:
    """Each with its share of the dearest, 0 to 1; a cost of None is one that nobody knows."""
    most = max((cost or Decimal(0) for _, cost, _ in found), default=Decimal(0)) or Decimal(1)
    return [
        {
            "name": names.get(key) or (key if isinstance(key, str) and key else "not named"),
            "cost": cost,
            "tokens": tokens,
            "share": float((cost or 0) / most),
        }
        for key, cost, tokens in found
    ]
