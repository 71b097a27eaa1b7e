"""What an approval of a held move does: the move itself, in the transaction of the approval."""

from datetime import datetime
from typing import Any

from coordinator.lib.errors import Conflict
from missions.github import client
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import moving, reviewing, steering
from traceability.events import Actor


class Overtaken(Conflict):
    """The task or mission has moved since; the approval no longer fits."""


def release_task_move(action: dict[str, Any], *, subject_id: int, actor: Actor, now: datetime) -> bool:
    """Applies the held move of a task. Raises Overtaken when the task is no longer where it was.

    False: it was not applied, since a pull request has to be merged before; the reviewer approves the task again.
    """
    task = moving.locked(Task(pk=subject_id))
    if task.status != action["from"]:
        raise Overtaken(f"Task {task.key} is {task.status} now; the held move was from {action['from']}.")
    after = TaskStatus(action["to"])
    if after == TaskStatus.COMPLETED and task.outputs.get("pr_url") and client.configured():
        return False
    moving.move(task, after, actor=actor, now=now, reason="approved")
    if action["from"] == TaskStatus.PENDING_REVIEW:
        reviewing.record_released(task, after, actor=actor, now=now)
    return True


def release_mission_move(action: dict[str, Any], *, subject_id: int, actor: Actor, now: datetime) -> None:
    """Applies the held move of a mission. Raises Overtaken when the mission is no longer where it was."""
    mission = Mission.objects.select_for_update(no_key=True).get(pk=subject_id)
    if mission.status != action["from"]:
        raise Overtaken(f"Mission {mission.key} is {mission.status} now; the held move was from {action['from']}.")
    steering.apply(mission, MissionStatus(action["to"]), actor=actor, now=now, decisions=[])
