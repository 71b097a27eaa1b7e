"""Claims: a lease on a task with one winner, a fencing number that grows with every holder, and an end."""

from datetime import datetime, timedelta

from agents.models import Agent
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, ImpossibleMove
from missions.events import TaskClaimed, TaskRevised
from missions.lifecycle import HELD, MissionStatus, TaskStatus
from missions.models import Claim, Dependency, Task
from missions.services import moving
from traceability import ledger
from traceability.events import SYSTEM, Actor

LONGEST_S = 24 * 3600
CLAIMABLE = {TaskStatus.PENDING, TaskStatus.REJECTED, *HELD}


class ClaimedByAnother(Conflict):
    """Another agent holds this task."""


class NotReady(Conflict):
    """This task cannot be claimed now."""


class NotTheHolder(Conflict):
    """This agent does not hold the task."""


def claim(task: Task, agent: Agent, *, ttl_s: int, actor: Actor, now: datetime) -> Claim:
    """Gives the lease to `agent` for `ttl_s` seconds; the holder's own repeat renews it.

    Raises ClaimedByAnother (with `holder` and `lease_until`), NotReady, ImpossibleMove.
    """
    until = now + timedelta(seconds=ttl_s)
    with ledger.writing():
        task = moving.locked(task)
        held = Claim.objects.select_related("agent").filter(task=task).first()
        if held and held.agent_id == agent.pk and held.lease_until > now:
            return _extended(held, until, now)
        if held and held.lease_until > now:
            raise ClaimedByAnother(
                f"{held.agent.key} holds task {task.key} until {held.lease_until:%Y-%m-%dT%H:%M:%SZ}.",
                holder=held.agent.key,
                lease_until=held.lease_until,
            )
        if held:
            _expire(task, held, now)
        _refuse_unready(task, agent)
        versions.bump(task, now=now, agent=agent, fence=task.fence + 1)
        won = Claim.objects.create(
            task=task, agent=agent, fence=task.fence, claimed_at=now, renewed_at=now, lease_until=until
        )
        told = TaskClaimed(mission=task.mission.ref, task=task.ref, agent=agent.ref, fence=won.fence, lease_until=until)
        ledger.record(told, actor=actor, at=now)
    return won


def renew(task: Task, agent: Agent, *, ttl_s: int, now: datetime) -> Claim:
    """Moves the lease's end, never backwards. Raises NotTheHolder."""
    with ledger.writing():
        held = Claim.objects.select_for_update(of=("self",)).select_related("agent").filter(task=task).first()
        if held is None or held.agent_id != agent.pk or held.lease_until <= now:
            raise _not_holder(task, agent, held)
        return _extended(held, now + timedelta(seconds=ttl_s), now)


def release(task: Task, agent: Agent, *, actor: Actor, now: datetime) -> Task:
    """Gives the task back: it is pending again when work on it had begun. Raises NotTheHolder."""
    with ledger.writing():
        task = moving.locked(task)
        held = Claim.objects.select_related("agent").filter(task=task).first()
        if held is None or held.agent_id != agent.pk:
            raise _not_holder(task, agent, held)
        _put_back(task, reason="released", actor=actor, now=now)
    return task


def expire(*, now: datetime, at_most: int = 200) -> int:
    """Puts back every task whose lease has run out; answers how many. Safe to run in two places at once."""
    with ledger.writing():
        lapsed = Claim.objects.select_for_update(of=("self",), skip_locked=True).expired(now)
        ids = list(lapsed.order_by("lease_until").values_list("task_id", flat=True)[:at_most])
    return sum(_expire_one(task_id, now) for task_id in ids)


def _expire_one(task_id: int, now: datetime) -> bool:
    with ledger.writing():
        task = moving.locked(Task(pk=task_id))
        held = Claim.objects.select_related("agent").filter(task=task, lease_until__lte=now).first()
        if held is None:
            return False
        _expire(task, held, now)
    return True


def _expire(task: Task, held: Claim, now: datetime) -> None:
    _put_back(task, reason=f"the lease of {held.agent.key} ran out", actor=SYSTEM, now=now)


def _put_back(task: Task, *, reason: str, actor: Actor, now: datetime) -> None:
    moving.end_claim(task, reason=reason, actor=actor, now=now)
    if task.status in HELD:
        moving.move(task, TaskStatus.PENDING, actor=actor, now=now, reason=reason)
    if versions.bump(task, now=now, agent=None):
        ledger.record(TaskRevised(mission=task.mission.ref, task=task.ref, fields={"agent": None}), actor=actor, at=now)


def _extended(held: Claim, until: datetime, now: datetime) -> Claim:
    held.renewed_at, held.lease_until = now, max(until, held.lease_until)
    held.save(update_fields=["renewed_at", "lease_until"])
    return held


def _refuse_unready(task: Task, agent: Agent) -> None:
    if task.status not in CLAIMABLE:
        raise ImpossibleMove(f"A task that is {task.status} cannot be claimed.")
    if task.mission.status != MissionStatus.ACTIVE:
        raise NotReady(f"Mission {task.mission.key} is {task.mission.status}; only tasks of an active one are claimed.")
    if task.status in HELD and task.agent_id not in {None, agent.pk}:
        raise NotReady(f"{task.agent.key} is at work on task {task.key}.", holder=task.agent.key)
    unmet = Dependency.objects.filter(task=task).exclude(needs__status=TaskStatus.COMPLETED)
    waiting = list(unmet.values_list("needs__task_id", flat=True)[:20])
    if waiting:
        raise NotReady(f"Task {task.key} waits for {', '.join(waiting)}.", waits_for=waiting)


def _not_holder(task: Task, agent: Agent, held: Claim | None) -> NotTheHolder:
    if held is None:
        return NotTheHolder(f"Nobody holds task {task.key}; claim it first.")
    return NotTheHolder(
        f"{held.agent.key} holds task {task.key}, not {agent.key}.",
        holder=held.agent.key,
        lease_until=held.lease_until,
    )
