"""Whether workers were seen lately: a row for each queue on each machine, moved by who does the work.

Hosts of mission processes have rows of their own, which say more (`missions.models.MissionHost`).
"""

import os
import socket
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django_q.models import OrmQ

from missions.models import MissionHost, WorkerHost

HOSTS = "hosts"
DEFAULT = "default"
EXECUTIONS = "exec"
HEALTH = "health"
ROLES = (HOSTS, DEFAULT, EXECUTIONS, HEALTH)
LATELY = timedelta(seconds=15)
FORGOTTEN_AFTER = timedelta(days=1)
BEAT_EVERY_S = 2.0
_last: dict[tuple[int, str], float] = {}


def queues() -> tuple[str, ...]:
    """Every queue that must be served: the default one and the others of the settings."""
    return (settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"])


def queue_of(role: str) -> str:
    """The queue of a role. Under `workers` each host has one of its own, see `own_queue`."""
    return str(settings.Q_CLUSTER["name"]) if role == DEFAULT else role


def own_queue(token: str, number: int) -> str:
    """A queue for one host worker alone: its wake-ups are taken by nobody else while it is at work."""
    return f"{HOSTS}-{machine()[:60]}-{token}-{number}"


def is_of_hosts(queue: str) -> bool:
    return queue == HOSTS or queue.startswith(f"{HOSTS}-")


def machine() -> str:
    """This machine's name: the setting `MACHINE_NAME`, else its host name."""
    return str(settings.MACHINE_NAME or socket.gethostname())[:180]


def beat(queue: str, *, now: datetime) -> None:
    """Says that this process works for the queue; writes at most once in two seconds."""
    held, moment = (os.getpid(), queue), time.monotonic()
    if moment - _last.get(held, float("-inf")) < BEAT_EVERY_S:
        return
    rows = WorkerHost.objects.filter(name=f"{machine()}/{queue}")
    if not rows.filter(pid=held[0]).update(beat_at=now):
        fields = {"queue": queue, "pid": held[0], "started_at": now, "beat_at": now}
        WorkerHost.objects.update_or_create(name=f"{machine()}/{queue}", defaults=fields)
    _last.clear()
    _last[held] = moment


def unserved(now: datetime) -> list[str]:
    """The roles that this installation wants and nobody has served within the last seconds, on whatever machine."""
    seen = set(WorkerHost.objects.seen_since(now - LATELY).values_list("queue", flat=True)) - {HOSTS}
    if MissionHost.objects.living_at(now).exists():
        seen.add(HOSTS)
    return [role for role in ROLES if settings.WORKERS_BY_ROLE[role] and queue_of(role) not in seen]


def workers_seen(now: datetime) -> bool:
    """Whether every role that is wanted was served within the last seconds."""
    return not unserved(now)


def last_seen() -> dict[str, datetime]:
    """When each queue was last seen at work; 2 statements."""
    found = dict(WorkerHost.objects.values_list("queue").annotate(last=Max("beat_at")).order_by("queue"))
    found.pop(HOSTS, None)
    beat_at = MissionHost.objects.living().aggregate(last=Max("beat_at"))["last"]
    return {**found, HOSTS: beat_at} if beat_at else found


def forget_old(*, now: datetime) -> int:
    """Removes machines that were not seen for a day, and what was asked of their hosts; answers how many machines."""
    OrmQ.objects.filter(key__startswith=f"{HOSTS}-", lock__lt=now - FORGOTTEN_AFTER).delete()
    return WorkerHost.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()[0]
