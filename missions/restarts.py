"""How often a crashed process starts again, and when: as in OTP, so many restarts in so many seconds. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

MAX_RESTARTS = 3
MAX_SECONDS = 60.0
FIRST_PAUSE_S = 0.2


def counting(crashes: Iterable[float], now: datetime) -> list[float]:
    """The crashes (seconds since 1970) that still count."""
    return [each for each in crashes if each > now.timestamp() - MAX_SECONDS]


def too_many(crashes: Iterable[float], now: datetime) -> bool:
    """Whether it is not to be started again by itself."""
    return len(counting(crashes, now)) > MAX_RESTARTS


def pause_after(crashes: int) -> timedelta:
    """0.2 s after the first crash that counts, twice as long after each further one."""
    return timedelta(seconds=FIRST_PAUSE_S * 2 ** max(crashes - 1, 0))
