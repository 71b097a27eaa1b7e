"""How long executions took, counted by the database: a histogram for each adapter and outcome."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum

from missions.models import Execution

BOUNDS_S = (1, 5, 15, 60, 300, 900, 1800, 3600, 14400)
"""Upper ends of the buckets."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """The ended executions of one adapter with one outcome that ran: by bound, how many took no longer (cumulative).

    An outcome is `succeeded`, `cancelled`, or the word of a failure.
    """

    adapter: str
    outcome: str
    count: int
    total_s: float
    within: dict[int, int]


def histograms() -> Iterator[Times]:
    """Every adapter and outcome there is; 1 statement. Executions stay, so the numbers only grow."""
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    ran = Execution.objects.filter(ended_at__isnull=False, started_at__isnull=False).annotate(took=took)
    buckets = {f"within_{bound}": Count("pk", filter=Q(took__lte=_duration(bound))) for bound in BOUNDS_S}
    rows: Any = ran.values("adapter", "state", "failure").annotate(count=Count("pk"), total=Sum("took"), **buckets)
    for row in rows.order_by("adapter", "state", "failure"):
        yield Times(
            adapter=row["adapter"],
            outcome=row["failure"] or row["state"],
            count=row["count"],
            total_s=row["total"].total_seconds(),
            within={bound: row[f"within_{bound}"] for bound in BOUNDS_S},
        )


def _duration(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)
