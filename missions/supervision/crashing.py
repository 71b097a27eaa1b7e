"""Letting one mission crash: what its state makes our code raise is told and costs that mission alone."""

import logging
import traceback
from collections.abc import Callable, Mapping

from django.db import DatabaseError
from django.utils import timezone

from coordinator.lib.outages import is_outage
from missions.replaying.folding import CannotFold
from missions.services import hosting
from missions.supervision.holding import Holding
from missions.supervision.tenure import Tenure

POISON = (
    CannotFold,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)
"""What a mission's own state can make our code raise."""

log = logging.getLogger(__name__)


class Crashes:
    """Crashes the missions of a holding. `restart_at` is when the next of them starts again (seconds since 1970)."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.restart_at = float("inf")

    def guarded(self, tenure: Tenure, mission_id: int, do: Callable[[], object]) -> None:
        """Does something for one mission; a fault of it crashes this mission."""
        try:
            do()
        except POISON as problem:
            self.crash(tenure, {mission_id: problem})

    def crash(self, tenure: Tenure, broken: Mapping[int, Exception]) -> None:
        """Forgets these and tells why. One whose end cannot be told is left to the next comparison with the rows."""
        for pk, problem in broken.items():
            log.error("The process of mission %s crashed: %s", pk, problem)
            self.holding.drop([pk])
            try:
                self._tell(tenure, pk, "".join(traceback.format_exception(problem)))
            except DatabaseError as fault:
                if is_outage(fault):
                    raise
                log.error("The crash of mission %s could not be told: %s", pk, fault)

    def _tell(self, tenure: Tenure, mission_id: int, trace: str) -> None:
        process = hosting.crash(tenure.owner, mission_id, trace, now=timezone.now())
        if process is None:  # it runs no more: nobody needs to hold it
            hosting.release(tenure.owner, [mission_id])
        elif process.restart_at:
            self.restart_at = min(self.restart_at, process.restart_at.timestamp())
