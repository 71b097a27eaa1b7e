"""What an approval of a held move does: the move itself, in the transaction of the approval."""

from datetime import datetime
from typing import Any

from coordinator.lib.errors import Conflict
from missions.github import client
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import claiming, moving, reviewing, steering
from policies.models import Approval
from traceability.events import Actor


class Overtaken(Conflict):
    """The task or mission has moved since; the approval no longer fits."""


def release_task_move(held: Approval, *, person: Any, actor: Actor, now: datetime) -> bool:
    """Applies the held move of a task. Raises Overtaken when the task is no longer where it was.

    A held review is refused to `person` as a review of their own would be (NotAllowed). False: it was not applied,
    since a pull request has to be merged before; the reviewer approves the task again.
    """
    task = moving.locked(Task(pk=held.task_id))
    if task.status != held.action["from"]:
        raise Overtaken(f"Task {task.key} is {task.status} now; the held move was from {held.action['from']}.")
    after = TaskStatus(held.action["to"])
    if after == TaskStatus.IN_PROGRESS:
        claiming.refuse_ended(task)
    if task.status != TaskStatus.PENDING_REVIEW:
        moving.move(task, after, actor=actor, now=now, reason="approved")
        return True
    reviewing.refuse(task, person)
    if after == TaskStatus.COMPLETED and task.outputs.get("pr_url") and client.configured():
        return False
    reviewing.release(task, after, held=held, person=person, actor=actor, now=now)
    return True


def release_mission_move(held: Approval, *, person: Any, actor: Actor, now: datetime) -> None:
    """Applies the held move of a mission. Raises Overtaken when the mission is no longer where it was."""
    assert held.mission_id is not None
    mission = Mission.objects.select_for_update(no_key=True).get(pk=held.mission_id)
    before, after = held.action["from"], MissionStatus(held.action["to"])
    if mission.status != before:
        raise Overtaken(f"Mission {mission.key} is {mission.status} now; the held move was from {before}.")
    steering.apply(mission, after, actor=actor, now=now, decisions=[])
