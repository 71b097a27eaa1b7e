"""Whether workers were seen lately: a row for each queue on each machine, moved by who does the work."""

import os
import socket
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from missions.models import WorkerHost

HOSTS = "hosts"
EXECUTIONS = "exec"
LATELY = timedelta(seconds=15)
FORGOTTEN_AFTER = timedelta(days=1)
BEAT_EVERY_S = 2.0
_last: dict[tuple[int, str], float] = {}


def queues() -> tuple[str, ...]:
    """Every queue that must be served: the default one and the others of the settings."""
    return (settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"])


def machine() -> str:
    return socket.gethostname()[:180]


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


def workers_seen(now: datetime) -> bool:
    """Whether every queue was served within the last seconds, on whatever machine."""
    seen = WorkerHost.objects.seen_since(now - LATELY).values_list("queue", flat=True)
    return set(queues()) <= set(seen)


def last_seen() -> dict[str, datetime]:
    """When each queue was last seen at work."""
    return dict(WorkerHost.objects.values_list("queue").annotate(last=Max("beat_at")).order_by("queue"))


def forget_old(*, now: datetime) -> int:
    """Removes machines that were not seen for a day."""
    return WorkerHost.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()[0]
