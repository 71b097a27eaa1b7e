"""The tasks and missions that agents name in what they report, found together in at most two statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from agents.models import Agent
from missions.models import Mission, Participation, Task

TASK_NAMES = ("task", "task_id", "task_key")
MISSION_NAMES = ("mission", "mission_id", "mission_key")
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Place:
    """What one context names: known rows, the names as text, and what is odd about them.

    What is not known, or belongs to another agent, is kept as text and pays nothing.
    """

    task: Task | None = None
    mission: Mission | None = None
    task_key: str = ""
    mission_key: str = ""
    warnings: tuple[str, ...] = field(default=())

    @property
    def at(self) -> Mission | None:
        """The mission: the task's own, else the one that was named."""
        return self.task.mission if self.task else self.mission


def of(contexts: Sequence[Mapping[str, Any]], agent: Agent | None) -> list[Place]:
    """The place of each context, in the same order. A task of another agent than `agent` is kept as text only."""
    tasks = [_name(context, TASK_NAMES) for context in contexts]
    missions = [_name(context, MISSION_NAMES) for context in contexts]
    known_tasks = _found(Task.objects.select_related("mission", "sprint"), "task_id", tasks)
    known_missions = _found(Mission.objects.all(), "mission_id", missions)
    return [
        _place(task, mission, known_tasks.get(task), known_missions.get(mission), agent)
        for task, mission in zip(tasks, missions, strict=True)
    ]


def of_agent(agent: Agent, among: Iterable[int]) -> set[int]:
    """Which of these missions (by id) the agent takes part in, not just looking on, or has a task in."""
    parts = Participation.objects.filter(agent=agent, mission__in=among).exclude(role=Participation.Role.OBSERVER)
    tasks = Task.objects.filter(agent=agent, mission__in=among)
    return set(parts.values_list("mission_id", flat=True).union(tasks.values_list("mission_id", flat=True)))


def _place(task_name: str, mission_name: str, task: Task | None, mission: Mission | None, agent: Agent | None) -> Place:
    warnings = []
    if task_name and task is None:
        warnings.append(f"There is no task {task_name!r}.")
    if mission_name and mission is None:
        warnings.append(f"There is no mission {mission_name!r}.")
    if task and agent and task.agent_id not in {None, agent.pk}:
        warnings.append(f"Task {task.key} belongs to another agent.")
        task = None
    if task and mission and task.mission_id != mission.pk:
        warnings.append(f"Task {task.key} is of mission {task.mission.key}, not of {mission.key}.")
    where = task.mission if task else mission
    return Place(
        task=task,
        mission=mission,
        task_key=task.key if task else task_name,
        mission_key=where.key if where else mission_name,
        warnings=tuple(warnings),
    )


def _name(context: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of the names that the context gives as text or whole number; at most 100 characters."""
    for name in names:
        value = context.get(name)
        if value and isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value)[:100]
    return ""


def _found(rows: Any, key: str, names: Iterable[str]) -> dict[str, Any]:
    """The rows by the names that were used for them."""
    wanted = {name for name in names if name}
    if not wanted:
        return {}
    ids = {int(name) for name in wanted if name.isascii() and name.isdigit() and int(name) <= LARGEST_ID}
    found = list(rows.filter(Q(pk__in=ids) | Q(**{f"{key}__in": wanted})))
    return {str(row.pk): row for row in found} | {row.key: row for row in found}
