"""What the queue calls: ids in, one call, safe to run twice."""

from django.conf import settings
from django.utils import timezone

from traceability import checkpoints, publishing
from traceability.services import checkpointing


def checkpoint() -> int | None:
    """Takes a checkpoint when a stream has moved, and sends what waits to be sent; answers the new one's number."""
    if not settings.CHECKPOINTS:
        return None
    made = checkpointing.take(checkpoints.here(), checkpoints.keyring(), now=timezone.now())
    if settings.CHECKPOINT_URL:
        publishing.send_waiting(settings.CHECKPOINT_URL, timezone.now)
    return None if made is None else made.n
