"""A fresh worker of the queue of mission processes asks for its first slice: under `workers` and under `qcluster`."""

import logging
from datetime import datetime

from django.db import DatabaseError
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signals import post_spawn
from django_q.tasks import async_task
from redis.exceptions import RedisError

from missions.models import MissionHost
from missions.supervision import presence

SLICE = "missions.jobs.beat"
log = logging.getLogger(__name__)


def listen() -> None:
    """Hears of every worker that django-q2 starts in this process and those forked from it."""
    post_spawn.connect(greet, dispatch_uid=__name__)


def greet(**told: object) -> None:
    """Called in the fresh worker."""
    if presence.is_of_hosts(Conf.CLUSTER_NAME):
        ask()


def ask() -> None:
    """Asks for a slice, of this worker's own queue when it has one; when that cannot be, its guard asks again later."""
    queue = Conf.CLUSTER_NAME if presence.is_of_hosts(Conf.CLUSTER_NAME) else presence.HOSTS
    try:
        async_task(SLICE, cluster=queue, save=False)
    except (DatabaseError, RedisError) as fault:
        log.warning("A slice could not be asked for on %s: %s", Conf.CLUSTER_NAME, fault)


def revive(*, now: datetime) -> bool:
    """Asks for a slice on the queue that hosts share, when no host lives and nobody has asked; answers whether it did.

    Only a stock `qcluster` needs it: under `workers` a guard asks by itself.
    """
    if MissionHost.objects.living_at(now).exists() or _is_asked():
        return False
    ask()
    return True


def _is_asked() -> bool:
    """Whether somebody has asked already; where nobody can tell, asking once more does no harm."""
    try:
        return bool(get_broker(presence.HOSTS).queue_size())
    except RedisError as fault:
        log.warning("The queue of hosts does not answer: %s", fault)
        return False
