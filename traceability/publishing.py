"""Sending checkpoints to a place outside: whoever runs that place has a copy that nobody here can take back."""

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import islice

import requests

from traceability import checkpoints
from traceability.models import Checkpoint

log = logging.getLogger(__name__)

AT_ONCE = 50
PATIENCE_S = 10


def send_waiting(url: str, clock: Callable[[], datetime]) -> int:
    """POSTs each signed note that was not accepted yet, oldest first; answers how many were. The rest waits."""
    sent = 0
    for row in islice(checkpoints.signed(Checkpoint.objects.unsent()), AT_ONCE):
        if not _accepted(url, row.note):
            break
        Checkpoint.objects.filter(n=row.n, published_at=None).update(published_at=clock())
        sent += 1
    return sent


def _accepted(url: str, note: str) -> bool:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        answer = requests.post(
            url, data=note.encode(), headers=headers, timeout=PATIENCE_S, allow_redirects=False, stream=True
        )
    except requests.RequestException as problem:
        log.warning("A checkpoint was not taken by %s: %s", url, type(problem).__name__)
        return False
    with answer:
        taken = 200 <= answer.status_code < 300
    if not taken:
        log.warning("A checkpoint was not taken by %s: it answered %s", url, answer.status_code)
    return taken
