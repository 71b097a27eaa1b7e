"""Making and revising missions and tasks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from coordinator.lib.refs import Ref
from missions.advice import thresholds
from missions.events import MissionCreated, MissionRevised, TaskCreated, TaskRevised
from missions.lifecycle import MISSION_ENDED
from missions.models import Mission, MissionProcess, Task
from missions.services import callers, graph, safeguards
from missions.services.callers import Caller
from traceability import ledger
from traceability.events import Actor
from traceability.models import Requirement

MISSION_FIELDS = (
    "mission_id", "goal", "description", "status", "owner", "budget_usd", "deadline", "review_required", "four_eyes",
    "execution_limit", "thresholds",
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
    """A mission in `planning`, with its process at rest. Raises KeyTaken, Invalid for thresholds that do not fit."""
    thresholds.require_fit(fields.get("thresholds", {}))
    with ledger.writing():
        _free(Mission, fields.get("mission_id"))
        mission = Mission.objects.create(**fields, created_at=now, updated_at=now)
        MissionProcess.objects.create(mission=mission, since=now)
        told = MissionCreated(mission=mission.ref, fields=plain(mission.values_of(*MISSION_FIELDS)))
        ledger.record(told, actor=actor, at=now)
    return mission


def revise_mission(mission: Mission, *, expected: int | None, actor: Actor, now: datetime, **fields: Any) -> Mission:
    """Changes what differs, the status excepted (see `steering`). Raises Stale, Invalid."""
    with ledger.writing():
        mission = Mission.objects.select_for_update(no_key=True).get(pk=mission.pk)
        versions.require(mission, expected)
        change_mission(mission, fields, actor=actor, now=now)
    return mission


def change_mission(mission: Mission, fields: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Changes what differs on a locked mission. Raises Invalid (another public key, thresholds), WorkHasBegun."""
    thresholds.require_fit(fields.get("thresholds", {}))
    versions.keep_key(mission, fields)
    safeguards.refuse_lowering(mission, fields, actor)
    if changed := versions.bump(mission, now=now, **fields):
        ledger.record(MissionRevised(mission=mission.ref, fields=plain(changed)), actor=actor, at=now)


def create_task(
    *,
    mission: Mission,
    depends_on: Sequence[Task] = (),
    requirements: Sequence[Requirement] = (),
    actor: Actor,
    now: datetime,
    caller: Caller | None = None,
    **fields: Any,
) -> Task:
    """A pending task of a mission that has not ended. Raises KeyTaken, MissionEnded, NotPlanned."""
    with ledger.writing():
        mission = Mission.objects.select_for_update(no_key=True).get(pk=mission.pk)
        if caller:
            callers.refuse_making(mission, caller, fields)
        if mission.status in MISSION_ENDED:
            raise MissionEnded(f"Mission {mission.key} is {mission.status}; it takes no more tasks.")
        _free(Task, fields.get("task_id"))
        task = Task.objects.create(mission=mission, **fields, status_since=now, created_at=now, updated_at=now)
        told = TaskCreated(
            mission=mission.ref,
            task=task.ref,
            agent=task.agent.ref if task.agent else None,
            fields=plain(task.values_of(*TASK_FIELDS)),
            **{"depends_on": [], "requirements": [], **_relinked(task, depends_on, requirements, now)},
        )
        ledger.record(told, actor=actor, at=now)
    return task


def revise_task(
    task: Task, *, expected: int | None, actor: Actor, now: datetime, caller: Caller | None = None, **fields: Any
) -> Task:
    """Changes what differs, the status excepted (see `moving`). Raises Stale, NotYours, NotPlanned, Invalid."""
    with ledger.writing():
        rows = Task.objects.select_for_update(of=("self",), no_key=True).select_related("mission", "agent", "sprint")
        task = rows.get(pk=task.pk)
        versions.require(task, expected)
        if caller:
            callers.refuse_stranger(task, caller)
            callers.refuse_planning(caller, fields)
        change(task, fields, actor=actor, now=now)
    return task


def change(task: Task, fields: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Changes what differs on a locked task. Raises Invalid on a cycle or for another public key, InReview,
    WorkHasBegun."""
    safeguards.refuse_exempting(task, fields, actor)
    safeguards.refuse_other_outputs(task, fields.get("outputs", task.outputs))
    plain_fields = dict(fields)
    if plain_fields.pop("mission", task.mission) != task.mission:
        raise Invalid({"mission": [f"A task stays in its mission; this one is of {task.mission.key}."]})
    relinked = _relinked(task, plain_fields.pop("depends_on", None), plain_fields.pop("requirements", None), now)
    versions.keep_key(task, plain_fields)
    changed = versions.bump(task, now=now, **plain_fields)
    if relinked and not changed:
        versions.touch(task, now=now)
    if changed or relinked:
        told = TaskRevised(
            mission=task.mission.ref,
            task=task.ref,
            agent=task.agent.ref if task.agent else None,
            fields=plain(changed),
            **relinked,
        )
        ledger.record(told, actor=actor, at=now)


def _relinked(
    task: Task, needs: Sequence[Task] | None, served: Sequence[Requirement] | None, now: datetime
) -> dict[str, Any]:
    """What the task newly waits for and serves, as whole lists; without a list that stayed."""
    changed: dict[str, Any] = {}
    if needs is not None and graph.depend(task, needs):
        changed["depends_on"] = graph.named_needs(needs)
    if served is not None and graph.serve(task, served, now):
        changed["requirements"] = graph.named_requirements(task)
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
