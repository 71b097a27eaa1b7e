"""When a run that failed is tried again. Pure.

One attempt is what a run gets that asks for no more: an agent's work is not idempotent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agents.adapters.base import COMMON_OPTIONS, TRIED_AGAIN

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """How often a run is tried at most, and after which failures again."""

    max_attempts: int = 1
    retry_on: tuple[str, ...] = tuple(TRIED_AGAIN)


def wanted(config: Mapping[str, Any], *, max_attempts: int | None, retry_on: Sequence[str] | None) -> Retrying:
    """What the request says, else the agent's adapter_config; an option that cannot be is passed over here."""
    said = {name: config[name] for name in ("max_attempts", "retry_on") if COMMON_OPTIONS[name](config.get(name))}
    tries = said.get("max_attempts", 1) if max_attempts is None else max_attempts
    failures = said.get("retry_on", TRIED_AGAIN) if retry_on is None else retry_on
    return Retrying(max_attempts=tries, retry_on=tuple(map(str, failures)))


def next_at(now: datetime, *, attempt: int, chance: float) -> datetime:
    """When the next attempt may begin: the pause doubles with each, and `chance` (0 to 1) spreads it."""
    pause_s = min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S)
    return now + timedelta(seconds=pause_s * (0.5 + 0.5 * chance))
