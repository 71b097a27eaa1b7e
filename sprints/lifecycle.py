"""The lifecycle of sprints as one table.

Pure: no database, no clock, no settings.
"""

from django.db import models


class SprintStatus(models.TextChoices):
    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"


SPRINT_MOVES: dict[SprintStatus, tuple[SprintStatus, ...]] = {
    SprintStatus.PLANNED: (SprintStatus.ACTIVE,),
    SprintStatus.ACTIVE: (SprintStatus.COMPLETED,),
    SprintStatus.COMPLETED: (),
}

MARKS: dict[SprintStatus, str] = {SprintStatus.ACTIVE: "started_at", SprintStatus.COMPLETED: "completed_at"}
"""Which time of a sprint each state sets."""

BIRTHS = (SprintStatus.PLANNED, SprintStatus.ACTIVE)
"""What a new sprint may be."""


def open_text(before: SprintStatus) -> str:
    """The moves that are open, as a sentence."""
    moves = SPRINT_MOVES[before]
    return f"Open moves: {', '.join(moves)}." if moves else "No move is open: this state ends it."
