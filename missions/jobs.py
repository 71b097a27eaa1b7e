"""What the queue calls: ids in, one call, safe to run twice."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from coordinator.lib.errors import Refusal
from missions import archiving
from missions.services import claiming, hosting
from missions.supervision import executor, presence, slices, spawning
from traceability.events import SYSTEM
from traceability.services import archiving as moving
from traceability.services import erasing_archived

log = logging.getLogger(__name__)


def beat(ticket: str = "") -> int:
    """One slice of hosting, on the queue `hosts`; answers its turns. `ticket` is the one of the slice before."""
    return slices.run(ticket)


def revive() -> bool:
    """Asks for a slice of hosting when no host lives; answers whether it did."""
    return spawning.revive(now=timezone.now())


def run_execution(execution_id: int) -> str | None:
    """Runs a queued execution, on the queue `exec`; answers how it ended, None when there was nothing to do."""
    return executor.run(execution_id)


def expire() -> int:
    """Ends lapsed claims and sees to executions as a host does; answers how many."""
    now = timezone.now()
    return claiming.expire(now=now) + executor.janitor(now=now)


def tidy() -> int:
    """Forgets worker hosts that went away."""
    now = timezone.now()
    return presence.forget_old(now=now) + hosting.forget_old(now=now)


def archive() -> int:
    """Moves the entries of missions that ended long ago to files, where the setting says so; answers how many missions.

    What stands against one of them is logged, and the others are moved.
    """
    if settings.ARCHIVE_CLOSED_AFTER_DAYS is None:
        return 0
    now = timezone.now()
    erasing_archived.mend()
    before = now - timedelta(days=settings.ARCHIVE_CLOSED_AFTER_DAYS)
    return sum(_archive(closed, now) for closed in archiving.closed_missions(before))


def _archive(closed: archiving.Closed, now: datetime) -> bool:
    try:
        list(moving.archive(closed.stream, settings.ARCHIVE_DIR, actor=SYSTEM, now=now))
    except Refusal as refusal:
        log.error("%s (%s) was not archived: %s", closed.stream, closed.key, refusal.detail)
        return False
    return True
