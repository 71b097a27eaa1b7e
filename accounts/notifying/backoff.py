"""When a delivery that failed is tried again, and when its endpoint is given up. Pure."""

from datetime import datetime, timedelta

STEPS = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
)
"""The pause after the first failure, the second, and so on; the last one after all that follow."""

GIVEN_UP_AFTER = timedelta(hours=24)
LONGEST_ASKED = timedelta(hours=1)
"""The longest pause that a receiver may ask for with `Retry-After`."""

SPREAD = 0.2
"""A pause is up to so much longer, by chance, so that a receiver that comes back is not met by all at once."""


def next_try(
    *, failures: int, since: datetime, now: datetime, chance: float, asked: timedelta = timedelta()
) -> datetime | None:
    """When to try again after so many failures in a row, the first of them at `since`; None: give up.

    `chance` is from 0 to 1; `asked` is the pause that the receiver asked for. The last try is at the end of the day.
    """
    end = since + GIVEN_UP_AFTER
    if now >= end:
        return None
    pause = STEPS[min(failures, len(STEPS)) - 1] * (1 + SPREAD * chance)
    return min(now + max(pause, min(asked, LONGEST_ASKED)), end)
