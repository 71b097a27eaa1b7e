"""Plans for tests: objectives, key results, requirements and the tasks that serve them, made by the services."""

from typing import Any

from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.services import moving
from missions.services import planning as work
from tests.factories import unique
from tests.traceability.conftest import AT
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import KeyResult, Objective, Requirement
from traceability.services import planning

BY: dict[str, Any] = {"actor": SYSTEM, "now": AT}
CHANGE: dict[str, Any] = {**BY, "expected": None}


def objective(**fields: Any) -> Objective:
    return planning.create_objective(**{"title": unique("objective"), **fields}, **BY)


def key_result(of: Objective | None = None, **fields: Any) -> KeyResult:
    return planning.create_key_result(objective=of or objective(), **{"title": unique("result"), **fields}, **BY)


def requirement(of: KeyResult | None = None, **fields: Any) -> Requirement:
    return planning.create_requirement(key_result=of, **{"title": unique("requirement"), **fields}, **BY)


def mission() -> Mission:
    return work.create_mission(goal="Ship it", **BY)


def task(of: Mission, *serves: Requirement, done: bool = False, **fields: Any) -> Task:
    told = {"objective": unique("task"), **fields}
    made = work.create_task(mission=of, requirements=serves, **told, **BY)
    for after in (TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED) if done else ():
        with ledger.writing():
            moving.move(moving.locked(made), after, **BY)
    return made
