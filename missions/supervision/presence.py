"""Whether workers were seen lately."""

from datetime import datetime


def workers_seen(now: datetime) -> bool:
    """Whether a worker of this installation has beaten lately."""
    return now is not None
