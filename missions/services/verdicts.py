"""What becomes of a move that the policies have judged: refused on record, held for a person, or made.

One rule for tasks and missions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coordinator.lib.errors import Conflict
from missions.events import MissionMoveHeld, MissionMoveRefused, TaskMoveHeld, TaskMoveRefused
from missions.models import Mission, Task
from policies.services.deciding import Verdict
from traceability import ledger
from traceability.events import Actor

Decisions = tuple[dict[str, Any], ...]
Refused = type[TaskMoveRefused] | type[MissionMoveRefused]
Held = type[TaskMoveHeld] | type[MissionMoveHeld]


class BlockedByPolicy(Conflict):
    """A policy blocks this move."""


@dataclass(frozen=True)
class Outcome:
    """What became of a wanted move: `decisions` in the contract's form, `approval` when it is held."""

    moved: bool
    blocked: bool = False
    decisions: Decisions = ()
    approval: int | None = None

    def raise_if_blocked(self, row: Task | Mission) -> None:
        """To be called after the transaction, so that the refusal stays on record."""
        if self.blocked:
            texts = "; ".join(each["message"] for each in self.decisions if each["outcome"] == "block")
            noun = str(row._meta.verbose_name).capitalize()
            raise BlockedByPolicy(f"{noun} {row.key} was not moved: {texts}", decisions=list(self.decisions))


STAYED = Outcome(moved=False)


def settle(
    verdict: Verdict,
    told: Mapping[str, Any],
    *,
    refused: Refused,
    held: Held,
    make: Callable[[Decisions], None],
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Does what the verdict says with a locked row. `told` is what both events tell, `make` makes the move."""
    decisions = tuple(verdict.as_data())
    if verdict.outcome == "block":
        ledger.record(refused(**told, decisions=list(decisions)), actor=actor, at=now)
        return Outcome(moved=False, blocked=True, decisions=decisions)
    if verdict.outcome == "escalate" and verdict.approval_id is not None:
        ledger.record(held(**told, approval=verdict.approval_id, decisions=list(decisions)), actor=actor, at=now)
        return Outcome(moved=False, decisions=decisions, approval=verdict.approval_id)
    make(decisions)
    return Outcome(moved=True, decisions=decisions)
