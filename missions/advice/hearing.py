"""What is known of tasks beyond the ledger: leases that were renewed, and agents that were heard of at their task."""

from collections.abc import Collection
from datetime import datetime
from itertools import chain

from agents.models import Agent
from missions.models import Claim


def of_tasks(task_ids: Collection[int]) -> dict[int, float]:
    """When each of these tasks was last heard of so, in seconds since 1970; two statements."""
    renewed = Claim.objects.filter(task__in=task_ids).values_list("task_id", "renewed_at")
    at_task = Agent.objects.filter(current_task_id__in=task_ids, last_seen_at__isnull=False)
    seen = at_task.values_list("current_task_id", "last_seen_at")
    heard: dict[int, float] = {}
    for task_id, at in chain[tuple[int, datetime]](renewed, seen):  # type: ignore[arg-type]
        heard[task_id] = max(heard.get(task_id, 0.0), at.timestamp())
    return heard
