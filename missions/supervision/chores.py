"""What one host at a time does for the whole installation: the leader's chores, each at its own pace."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from redis.exceptions import RedisError

from accounts.services import routing_notifications, sending_notifications
from coordinator.lib.errors import Refusal
from coordinator.lib.outages import is_outage
from missions.services import advising, claiming
from missions.supervision import checker, executor
from missions.supervision.crashing import POISON

TABLE: tuple[tuple[Callable[..., object], float], ...] = (
    (claiming.expire, 1.0),
    (executor.janitor, 1.0),
    (routing_notifications.route, 1.0),
    (sending_notifications.call_due, 1.0),
    (advising.sweep, 10.0),
    (advising.compare_files, 60.0),
    (checker.check, 60.0),
)
"""Each chore and how many seconds pass between its runs."""

log = logging.getLogger(__name__)


class Chores:
    """Remembers when each was done last."""

    def __init__(self) -> None:
        self.due = [0.0] * len(TABLE)

    def run(self, now: datetime, *, between: Callable[[], object] = lambda: None) -> None:
        """Does what is due, and `between` after each. One chore's fault spares the others; an outage ends the round."""
        moment = time.monotonic()
        for place, (chore, every_s) in enumerate(TABLE):
            if moment >= self.due[place]:
                self.due[place] = moment + every_s
                _do(chore, now)
                between()


def _do(chore: Callable[..., object], now: datetime) -> None:
    try:
        chore(now=now)
    except (Refusal, DatabaseError, RedisError, *POISON) as problem:
        if is_outage(problem):
            raise
        log.error("A chore of the host failed and is tried again: %r", problem)
