"""django-q2's queue in Redis: faster to pick up, and gone with whoever took it. Rows say what was lost with it."""

import logging
from functools import partial

from django.db import transaction
from django_q.brokers.redis_broker import Redis
from redis.exceptions import RedisError

from missions.supervision.broker import Watched

log = logging.getLogger(__name__)


class RedisBroker(Watched, Redis):  # type: ignore[misc]
    """One queue. A message goes out after the commit: before it, a worker would find nothing to do."""

    def enqueue(self, task: str) -> None:
        transaction.on_commit(partial(self._push, task), robust=True)

    def ping(self) -> bool:
        """Always: a Redis that is away is waited for."""
        return True

    def _push(self, task: str) -> None:
        try:
            super().enqueue(task)
        except RedisError as lost:
            log.warning("A message of the queue %s was lost; its row will ask again: %s", self.list_key, lost)
