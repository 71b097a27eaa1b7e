"""Asking workers for queued executions. The message only wakes: a lost one is sent again, a double one is harmless."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django_q.brokers import get_broker
from django_q.tasks import async_task
from redis.exceptions import RedisError

from missions.models import Execution
from missions.services import admitting

QUEUE = "exec"
LOST_MESSAGE_AFTER = timedelta(seconds=30)
log = logging.getLogger(__name__)


def wake(execution_ids: Iterable[int], *, now: datetime) -> None:
    """Asks for these executions, with one statement beside the messages."""
    ids = list(execution_ids)
    Execution.objects.filter(pk__in=ids).update(woken_at=now)
    for execution_id in ids:
        async_task("missions.jobs.run_execution", execution_id, cluster=QUEUE, save=False)


def let_sleep(execution_id: int) -> None:
    """Notes that nobody is asked for it any more: it waits for a place."""
    Execution.objects.filter(pk=execution_id).update(woken_at=None)


def wake_next(execution: Execution, *, now: datetime) -> None:
    """Once this transaction is committed, asks for what may begin in this execution's place."""
    near = Q(mission=execution.mission_id) | Q(agent=execution.agent_id)
    transaction.on_commit(partial(_wake_fitting, near, now), robust=True)


def wake_waiting(*, now: datetime) -> int:
    """Asks for all that is due and has a place, and again for what a message was lost of; answers how many."""
    return _wake_fitting(Q(), now)


def _wake_fitting(near: Q, now: datetime) -> int:
    found = admitting.next_up(admitting.due(now).filter(near), unless_woken_since=now - LOST_MESSAGE_AFTER)
    if any(each.woken_at for each in found) and _may_hold_messages():
        found = [each for each in found if each.woken_at is None]  # no message is lost while the queue holds some
    if found:
        wake([each.execution for each in found], now=now)
    return len(found)


def _may_hold_messages() -> bool:
    """Whether the queue holds messages, as far as can be known: one that is away may hold some."""
    try:
        return bool(get_broker(QUEUE).queue_size())
    except RedisError as away:
        log.warning("The queue %s is away; what a message was lost of is asked for once it is back: %s", QUEUE, away)
        return True
