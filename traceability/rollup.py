"""How far things are: from tasks up to requirements and key results, from measures up to objectives.

Pure: no database, no clock, no settings. Shares are 0 to 1, rounded half up to 4 places; None means that there is
nothing to say, which is not 0.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

DONE = "completed"
"""The status of a task that is done, as the room above says it; a test pins the word."""

PLACES = Decimal("0.0001")


def of_measure(start: Decimal, target: Decimal, current: Decimal) -> Decimal:
    """How far a key result is from its start to its target. The two differ."""
    share = (current - start) / (target - start)
    return _rounded(min(max(share, Decimal(0)), Decimal(1)))


def of_tasks(statuses: Iterable[str]) -> Decimal | None:
    """The share of tasks that are done; failed and rejected ones stay in the count."""
    return mean(Decimal(status == DONE) for status in statuses)


def mean(shares: Iterable[Decimal | None]) -> Decimal | None:
    """The plain mean of what can be said."""
    return weighted((Decimal(1), share) for share in shares)


def weighted(shares: Iterable[tuple[Decimal, Decimal | None]]) -> Decimal | None:
    """The mean of (weight, share) pairs, less those without a share."""
    known = [(weight, share) for weight, share in shares if share is not None]
    total = sum((weight for weight, _ in known), Decimal(0))
    if not total:
        return None
    return _rounded(sum((weight * share for weight, share in known), Decimal(0)) / total)


def percent(part: int, whole: int) -> float:
    """Of 100, to 2 places; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def number(share: Decimal | None) -> float | None:
    """As JSON shows it."""
    return None if share is None else float(share)


def _rounded(share: Decimal) -> Decimal:
    return share.quantize(PLACES, ROUND_HALF_UP)
