"""When a crashed process starts again: after a pause that doubles with each crash. Pure."""

from datetime import datetime, timedelta

FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 600


def pause_after(crashes: int) -> timedelta:
    """2 s after the first crash, 4 s after the second, at most ten minutes."""
    return timedelta(seconds=min(FIRST_PAUSE_S * 2 ** min(max(crashes - 1, 0), 10), LONGEST_PAUSE_S))


def is_due(crashes: int, since: datetime, now: datetime) -> bool:
    return since + pause_after(crashes) <= now
