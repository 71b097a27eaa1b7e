"""What the queue calls: ids in, one call, safe to run twice."""

from datetime import datetime

from django.utils import timezone

from missions.services import claiming
from missions.supervision import executor, host, presence


def beat(asked_at: str | None = None) -> int:
    """One slice of supervision, on the queue `hosts`; answers its turns. `asked_at` is an ISO time."""
    return host.run(datetime.fromisoformat(asked_at) if asked_at else None)


def run_execution(execution_id: int) -> str | None:
    """Runs a queued execution, on the queue `exec`; answers how it ended, None when there was nothing to do."""
    return executor.run(execution_id)


def expire() -> int:
    """Ends lapsed claims and lost executions; answers how many."""
    now = timezone.now()
    return claiming.expire(now=now) + executor.bury(now=now)


def tidy() -> int:
    """Forgets worker hosts that went away."""
    return presence.forget_old(now=timezone.now())
