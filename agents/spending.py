"""What agents used and what it cost, grouped; one statement. Money that nobody knows is null, never zero."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from agents.costs import CLASSES
from agents.models import Usage

BY: dict[str, tuple[str, Any]] = {
    "agent": ("by_agent", F("agent__agent_id")),
    "task": ("by_task", F("task_key")),
    "mission": ("by_mission", F("mission_key")),
    "model": ("by_model", F("model")),
    "day": ("by_day", TruncDate("at", tzinfo=UTC)),
}
"""What use may be grouped by, with the alias and the expression of each; days are UTC."""

MOST_GROUPS = 1000
Source = Usage.Source


def grouped(rows: QuerySet[Usage], by: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    """The groups, the dearest first, and whether there are more than are answered."""
    named = dict(BY[name] for name in by)
    found = rows.order_by().annotate(**named).values(*named).annotate(**_sums())
    ordered = found.order_by(F("cost").desc(nulls_last=True), *named)
    groups = [_group(row, by) for row in ordered[: MOST_GROUPS + 1]]
    return groups[:MOST_GROUPS], len(groups) > MOST_GROUPS


def _sums() -> dict[str, Any]:
    tokens = F("input_tokens") + F("cache_read_tokens") + F("cache_write_tokens") + F("output_tokens")
    of = {source: Q(source=source) for source in Source.values}
    return {
        **{f"sum_{name}": Sum(name) for name in CLASSES},
        **{f"reports_{source}": Count("pk", filter=which) for source, which in of.items()},
        **{f"tokens_{source}": Sum(tokens, filter=which) for source, which in of.items()},
        "cost": Sum("cost_usd"),
        "cost_reported": Sum("cost_usd", filter=of[Source.REPORTED]),
        "cost_computed": Sum("cost_usd", filter=of[Source.COMPUTED]),
    }


def _group(row: dict[str, Any], by: Sequence[str]) -> dict[str, Any]:
    """One group as it is answered: its names, its tokens, its money, and how much of it is known from where."""
    reports = {source: row[f"reports_{source}"] for source in Source.values}
    tokens = {source: row[f"tokens_{source}"] or 0 for source in Source.values}
    return {
        **{name: row[BY[name][0]] or None for name in by},
        "reports": sum(reports.values()),
        "tokens": sum(tokens.values()),
        **{name: row[f"sum_{name}"] for name in CLASSES},
        "cost_usd": row["cost"],
        "cost_reported_usd": row["cost_reported"],
        "cost_computed_usd": row["cost_computed"],
        "reports_by_source": reports,
        "tokens_by_source": tokens,
    }
