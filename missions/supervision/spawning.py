"""A fresh worker of the queue of mission processes asks for its first slice: under `workers` and under `qcluster`."""

import logging
from datetime import datetime

from django.db import DatabaseError
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signals import post_spawn
from redis.exceptions import RedisError

from missions.models import MissionHost
from missions.supervision import presence, slices

log = logging.getLogger(__name__)


def listen() -> None:
    """Hears of every worker that django-q2 starts in this process and those forked from it."""
    post_spawn.connect(greet, dispatch_uid=__name__)


def greet(**told: object) -> None:
    """Called in the fresh worker."""
    if presence.is_of_hosts(Conf.CLUSTER_NAME):
        ask()


def ask() -> None:
    """Asks for a slice on this worker's queue; when that cannot be, its guard asks again later."""
    try:
        slices.wake()
    except (DatabaseError, RedisError) as fault:
        log.warning("A slice could not be asked for on %s: %s", Conf.CLUSTER_NAME, fault)


def revive(*, now: datetime) -> bool:
    """Asks for a slice on the queue that hosts share, when no host lives and nobody has asked; answers whether it did.

    Only a stock `qcluster` needs it: under `workers` a guard asks by itself.
    """
    if MissionHost.objects.living_at(now).exists() or get_broker(presence.HOSTS).queue_size():
        return False
    slices.wake()
    return True
