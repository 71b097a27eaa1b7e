"""What protects a review: it is not switched off under work that has begun, and what is reviewed does not change."""

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from coordinator.lib.errors import Conflict, Refusal
from missions.lifecycle import BEGUN, TaskStatus
from missions.models import Mission, Task
from traceability.events import Actor

LOOKS = ("review_required", "four_eyes")


class WorkHasBegun(Conflict):
    """Work has begun under this rule of review; only an admin takes the rule away now."""


class InReview(Refusal):
    """The outputs of a task in review do not change."""

    status = 422


def refuse_lowering(mission: Mission, fields: Mapping[str, Any], actor: Actor) -> None:
    """Raises WorkHasBegun when a rule of review of the mission would go while a task is under way."""
    lowered = [name for name in LOOKS if getattr(mission, name) and not fields.get(name, True)]
    if not lowered or _is_admin(actor):
        return
    busy = Task.objects.filter(mission=mission, status__in=BEGUN).order_by("pk").first()
    if busy is not None:
        raise WorkHasBegun(
            f"{' and '.join(lowered)} of mission {mission.key} stays while work is under way: "
            f"task {busy.key} is {busy.status}. An admin may take it away."
        )


def refuse_exempting(task: Task, fields: Mapping[str, Any], actor: Actor) -> None:
    """Raises WorkHasBegun when a task of a mission with four eyes would no longer be reviewed, though it has begun."""
    exempted = task.mission.four_eyes and task.needs_review and fields.get("review_required") is False
    if exempted and task.status in BEGUN and not _is_admin(actor):
        raise WorkHasBegun(
            f"Mission {task.mission.key} wants four eyes, and task {task.key} is {task.status}: "
            "its review stays. An admin may take it away."
        )


def refuse_other_outputs(task: Task, outputs: Mapping[str, Any]) -> None:
    """Raises InReview when the outputs of a task in review would change."""
    if task.status == TaskStatus.PENDING_REVIEW and dict(outputs) != task.outputs:
        raise InReview(f"Task {task.key} is in review: what is reviewed stays as it is until it is rejected.")


def _is_admin(actor: Actor) -> bool:
    return bool(User.objects.filter(pk=actor.id).with_role("admin").exists())
