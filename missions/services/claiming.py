"""Claims: a lease on a task with one winner, a fencing number that grows with every holder, and an end."""

from datetime import datetime, timedelta

from agents.models import Agent
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, ImpossibleMove, Refusal
from missions.events import TaskClaimed, TaskRevised
from missions.lifecycle import HELD, MISSION_ENDED, MissionStatus, TaskStatus
from missions.models import Claim, Dependency, Task
from missions.services import moving
from missions.services.callers import FenceFallen, NotYours
from traceability import ledger
from traceability.events import SYSTEM, Actor

LONGEST_S = 24 * 3600
CLAIMABLE = {TaskStatus.PENDING, TaskStatus.REJECTED, *HELD}


class ClaimedByAnother(Conflict):
    """Another agent holds this task."""


class NotReady(Conflict):
    """Work on this task cannot begin now."""


class NotTheHolder(Conflict):
    """This agent does not hold the task."""


def claim(task: Task, agent: Agent, *, ttl_s: int, actor: Actor, now: datetime) -> Claim:
    """Gives the lease to `agent` for `ttl_s` seconds; the holder's own repeat renews it.

    Raises ClaimedByAnother (with `holder` and `lease_until`), NotReady, ImpossibleMove.
    """
    until = now + timedelta(seconds=ttl_s)
    with ledger.writing():
        task = moving.locked(task)
        held = _held(task)
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
        _refuse_unclaimable(task, agent)
        versions.bump(task, now=now, agent=agent, fence=task.fence + 1)
        won = Claim.objects.create(
            task=task, agent=agent, fence=task.fence, claimed_at=now, renewed_at=now, lease_until=until
        )
        told = TaskClaimed(mission=task.mission.ref, task=task.ref, agent=agent.ref, fence=won.fence, lease_until=until)
        ledger.record(told, actor=actor, at=now)
    return won


def renew(task: Task, agent: Agent, *, ttl_s: int, actor: Actor, now: datetime, fence: int | None = None) -> Claim:
    """Moves the lease's end, never backwards. Raises NotTheHolder, NotYours, FenceFallen."""
    with ledger.writing():
        task = moving.locked(task)
        held = _holding(task, agent, _held(task), fence, actor)
        if held.lease_until <= now:
            raise NotTheHolder(f"The lease on task {task.key} ran out; claim it again.")
        return _extended(held, now + timedelta(seconds=ttl_s), now)


def release(task: Task, agent: Agent, *, actor: Actor, now: datetime, fence: int | None = None) -> Task:
    """Gives the task back: it is pending again when work on it had begun. Raises as `renew`."""
    with ledger.writing():
        task = moving.locked(task)
        _holding(task, agent, _held(task), fence, actor)
        _put_back(task, reason="released", actor=actor, now=now)
    return task


def refuse_unready(task: Task) -> None:
    """Raises NotReady when no agent may begin on the task: its mission is not active, or it waits for other tasks."""
    if task.mission.status != MissionStatus.ACTIVE:
        raise NotReady(f"Mission {task.mission.key} is {task.mission.status}; agents work on tasks of active missions.")
    if waiting := unmet(task):
        raise NotReady(f"Task {task.key} waits for {', '.join(waiting)}.", waits_for=waiting)


def refuse_ended(task: Task) -> None:
    """Raises NotReady when nobody begins on the task any more, since its mission has ended."""
    if task.mission.status in MISSION_ENDED:
        raise NotReady(f"Mission {task.mission.key} is {task.mission.status}; nothing of it begins any more.")


def unmet(task: Task) -> list[str]:
    """The tasks that this one waits for, at most 20."""
    needs = Dependency.objects.filter(task=task).exclude(needs__status=TaskStatus.COMPLETED)
    return list(needs.values_list("needs__task_id", flat=True)[:20])


def expire(*, now: datetime, at_most: int = 50) -> int:
    """Puts back every task whose lease has run out; answers how many. Safe to run in two places at once."""
    lapsed = Claim.objects.expired(now).order_by("lease_until")
    ids = list(lapsed.values_list("task_id", flat=True)[:at_most])
    return sum(_expire_one(task_id, now) for task_id in ids)


def _held(task: Task) -> Claim | None:
    """The claim on a locked task."""
    return Claim.objects.select_related("agent").filter(task=task).first()


def _expire_one(task_id: int, now: datetime) -> bool:
    with ledger.writing():
        task = moving.locked(Task(pk=task_id))
        held = _held(task)
        if held is None or held.lease_until > now:
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


def _refuse_unclaimable(task: Task, agent: Agent) -> None:
    if task.status not in CLAIMABLE:
        raise ImpossibleMove(f"A task that is {task.status} cannot be claimed.")
    if task.agent is not None and task.agent_id != agent.pk:
        raise NotReady(f"Task {task.key} is {task.agent.key}'s.", holder=task.agent.key)
    refuse_unready(task)


def _holding(task: Task, agent: Agent, held: Claim | None, fence: int | None, actor: Actor) -> Claim:
    """The claim, when it is this agent's, under this fence if one is named."""
    if held is None:
        raise NotTheHolder(f"Nobody holds task {task.key}; claim it first.")
    if held.agent_id != agent.pk:
        kind: type[Refusal] = NotYours if actor.kind == "agent" else NotTheHolder
        raise kind(
            f"{held.agent.key} holds task {task.key}, not {agent.key}.",
            holder=held.agent.key,
            lease_until=held.lease_until,
        )
    if fence not in {None, held.fence}:
        raise FenceFallen(f"Your claim with fence {fence} has ended; the present one is {held.fence}.")
    return held
