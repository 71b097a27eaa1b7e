"""What the end of a run does to its task: outputs, and the state in which somebody can go on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.adapters.base import Failure
from coordinator.lib import versions
from missions.events import TaskRevised
from missions.lifecycle import TASK_MOVES, TaskStatus, is_open
from missions.models import Execution
from missions.services import moving
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = Execution.State

NEXT_AFTER = {
    Failure.AGENT_ERROR: TaskStatus.FAILED,
    Failure.OVER_BUDGET: TaskStatus.FAILED,
    Failure.TIMED_OUT: TaskStatus.FAILED,
    Failure.REFUSED_BY_POLICY: TaskStatus.BLOCKED,
}
"""Where a failure leaves the task; after any other it is pending again, since nobody worked on it in vain."""


def tell_task(
    execution: Execution, *, state: Execution.State, failure: str, outputs: Mapping[str, Any], now: datetime
) -> None:
    """Outputs and the next state of the (locked) task, as its agent would report them; nothing when it moved on."""
    task, actor = moving.locked(execution.task), actor_of(execution)
    if task.status != TaskStatus.IN_PROGRESS or task.agent_id != execution.agent_id:
        return
    if outputs:
        versions.bump(task, now=now, outputs={**task.outputs, **outputs})
        told = TaskRevised(mission=task.mission.ref, task=task.ref, fields={"outputs": task.outputs})
        ledger.record(told, actor=actor, at=now)
    reason = f"execution {execution.pk} {failure or state}"
    if state != State.SUCCEEDED:
        after = NEXT_AFTER.get(Failure(failure), TaskStatus.PENDING)
        moving.move(task, after, actor=actor, now=now, reason=reason)
        return
    wanted = TaskStatus.PENDING_REVIEW if task.needs_review else TaskStatus.COMPLETED
    outcome = moving.ask(task, wanted, actor=actor, now=now, reason=reason)
    if outcome.blocked and is_open(TASK_MOVES, TaskStatus(task.status), TaskStatus.BLOCKED):
        moving.move(task, TaskStatus.BLOCKED, actor=actor, now=now, reason=f"{reason}, but a policy blocks {wanted}")


def actor_of(execution: Execution) -> Actor:
    """The system, on behalf of the execution's agent."""
    return Actor("system", None, SYSTEM.name, on_behalf_of=execution.agent.key)
