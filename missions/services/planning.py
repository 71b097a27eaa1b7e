"""Making and revising missions and tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import Conflict
from coordinator.lib.refs import Ref
from missions.events import MissionCreated, MissionRevised, TaskCreated, TaskRevised
from missions.lifecycle import MissionStatus
from missions.models import Mission, MissionProcess, Task
from missions.services import graph
from traceability import ledger
from traceability.events import Actor
from traceability.models import Requirement

ENDED = {MissionStatus.COMPLETED, MissionStatus.CANCELLED}
MISSION_FIELDS = (
    "mission_id", "goal", "description", "status", "owner", "budget_usd", "deadline", "review_required", "four_eyes",
)  # fmt: skip
TASK_FIELDS = (
    "task_id", "objective", "description", "status", "priority", "sprint", "agent", "acceptance_criteria",
    "required_capabilities", "budget_usd", "due_at", "review_required", "outputs", "percent",
)  # fmt: skip


class KeyTaken(Conflict):
    """This public key is taken."""


class MissionEnded(Conflict):
    """The mission has ended; it takes no more tasks."""


def create_mission(*, actor: Actor, now: datetime, **fields: Any) -> Mission:
    """A mission in `planning`, with its process at rest. Raises KeyTaken."""
    with ledger.writing():
        _free(Mission, fields.get("mission_id"))
        mission = Mission.objects.create(**fields, created_at=now, updated_at=now)
        MissionProcess.objects.create(mission=mission, since=now)
        told = MissionCreated(mission=mission.ref, fields=plain(mission.values_of(*MISSION_FIELDS)))
        ledger.record(told, actor=actor, at=now)
    return mission


def revise_mission(mission: Mission, *, expected: int | None, actor: Actor, now: datetime, **fields: Any) -> Mission:
    """Changes what differs. Raises Stale when `expected` is not the mission's version."""
    with ledger.writing():
        mission = Mission.objects.select_for_update().get(pk=mission.pk)
        versions.require(mission, expected)
        if fields.get("mission_id", mission.key) != mission.key:
            _free(Mission, fields["mission_id"])
        if changed := versions.bump(mission, now=now, **fields):
            ledger.record(MissionRevised(mission=mission.ref, fields=plain(changed)), actor=actor, at=now)
    return mission


def create_task(
    *,
    mission: Mission,
    depends_on: Sequence[Task] = (),
    requirements: Sequence[Requirement] = (),
    actor: Actor,
    now: datetime,
    **fields: Any,
) -> Task:
    """A pending task of a mission that has not ended. Raises KeyTaken, MissionEnded."""
    if mission.status in ENDED:
        raise MissionEnded(f"Mission {mission.key} is {mission.status}; it takes no more tasks.")
    with ledger.writing():
        _free(Task, fields.get("task_id"))
        task = Task.objects.create(mission=mission, **fields, status_since=now, created_at=now, updated_at=now)
        if depends_on:
            graph.depend(task, depends_on)
        if requirements:
            graph.serve(task, requirements, now)
        told = TaskCreated(
            mission=mission.ref,
            task=task.ref,
            agent=task.agent and task.agent.ref,
            fields=plain(task.values_of(*TASK_FIELDS)),
            depends_on=graph.named_needs(depends_on),
            requirements=graph.named_requirements(requirements),
        )
        ledger.record(told, actor=actor, at=now)
    return task


def revise_task(task: Task, *, expected: int | None, actor: Actor, now: datetime, **fields: Any) -> Task:
    """Changes what differs, the status excepted (see `moving`). Raises Stale, Invalid on a cycle."""
    with ledger.writing():
        task = Task.objects.select_for_update(of=("self",)).select_related("mission", "agent").get(pk=task.pk)
        versions.require(task, expected)
        needs, served = fields.pop("depends_on", None), fields.pop("requirements", None)
        if fields.get("task_id", task.key) != task.key:
            _free(Task, fields["task_id"])
        relinked = _relink(task, needs, served, now)
        changed = versions.bump(task, now=now, **fields)
        if relinked and not changed:
            task.version, task.updated_at = task.version + 1, now
            task.save(update_fields=["version", "updated_at"])
        if changed or relinked:
            ledger.record(
                TaskRevised(mission=task.mission.ref, task=task.ref, fields=plain(changed), **relinked),
                actor=actor,
                at=now,
            )
    return task


def _relink(
    task: Task, needs: Sequence[Task] | None, served: Sequence[Requirement] | None, now: datetime
) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if needs is not None and graph.depend(task, needs):
        changed["depends_on"] = graph.named_needs(needs)
    if served is not None and graph.serve(task, served, now):
        changed["requirements"] = graph.named_requirements(served)
    return changed


def _free(model: type[Mission] | type[Task], key: str | None) -> None:
    if key and model.objects.filter(**{model.KEY: key}).exists():
        raise KeyTaken(f"There is a {model._meta.verbose_name} {key!r} already; choose another {model.KEY}.")


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as history keeps them: a related row as its id and key."""
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "ref") and isinstance(value.ref, Ref):
        return {"id": value.ref.id, "key": value.ref.key}
    if hasattr(value, "pk"):
        return {"id": value.pk, "key": str(value)}
    return value
