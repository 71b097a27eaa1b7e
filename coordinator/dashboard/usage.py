"""Tokens and money: by day, agent, mission and model, with what has no known price said as such."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from agents.models import Usage
from coordinator.dashboard import spending
from coordinator.dashboard.charts import columns

SPANS = {"week": 7, "month": 30, "quarter": 90}
CLASSES = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def since(span: str, now: datetime) -> datetime:
    """The midnight at which the chosen span begins."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=SPANS.get(span, 7) - 1)


def totals(start: datetime) -> Mapping[str, Any]:
    """What was used in all; 1 statement."""
    used = Usage.objects.filter(at__gte=start)
    found = used.aggregate(
        cost=Sum("cost_usd"),
        reports=Count("pk"),
        unknown=Count("pk", filter=Q(cost_usd__isnull=True)),
        **{name: Sum(name) for name in CLASSES},
    )
    return {"used": found, "tokens": sum(found[name] or 0 for name in CLASSES)}


def by_day(start: datetime, now: datetime) -> Mapping[str, Any]:
    """The cost of each day; 1 statement."""
    used = Usage.objects.filter(at__gte=start).annotate(day=TruncDate("at"))
    found = dict(used.values_list("day").annotate(Sum("cost_usd")).order_by())
    first, last = timezone.localtime(start).date(), timezone.localtime(now).date()
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    costs = [found.get(day) or Decimal(0) for day in days]
    return {
        "chart": columns.daily(days, costs) if any(costs) else "",
        "days": list(zip(days, costs, strict=True))[::-1],
    }


def groups(start: datetime) -> Mapping[str, Any]:
    """Who and what it was spent on; 7 statements."""
    used = Usage.objects.filter(at__gte=start)
    return {
        "groups": [
            ("By agent", spending.by_agent(used)),
            ("By mission", spending.by_mission(used)),
            ("By model", spending.by_model(used)),
            ("By task", spending.by_task(used)),
        ]
    }


def latest() -> Mapping[str, Any]:
    """The last reports; 1 statement."""
    found = Usage.objects.select_related("agent").annotate(
        tokens=F("input_tokens") + F("output_tokens") + F("cache_read_tokens") + F("cache_write_tokens")
    )
    return {"reports": list(found.order_by("-at", "-pk")[:20])}
