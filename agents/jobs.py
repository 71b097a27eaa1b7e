"""What the queue calls: ids in, one call, safe to run twice."""

from django.conf import settings
from django.utils import timezone
from django_q.tasks import async_task

from agents.models import Agent
from agents.services import checking, presence
from traceability.events import SYSTEM

QUEUE = "health"


def check_adapters() -> int:
    """Asks for a check of every agent that has an adapter; answers how many."""
    ids = list(Agent.objects.exclude(adapter_module="").order_by("pk").values_list("pk", flat=True))
    for agent_id in ids:
        async_task("agents.jobs.check_agent", agent_id, cluster=QUEUE, save=False)
    return len(ids)


def check_agent(agent_id: int) -> str | None:
    """Checks one agent's adapter; answers what it found, None when there is no such agent any more."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        return None
    return str(checking.check(agent, actor=SYSTEM, now=timezone.now()).health_state)


def mark_silent() -> int:
    """Takes agents of which nothing was heard for a while for offline; answers how many."""
    return presence.mark_silent(now=timezone.now(), after_s=settings.AGENT_SILENT_AFTER_S)
