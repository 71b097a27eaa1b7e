"""The chain Objective, KeyResult, Requirement, Task: as a tree with what is covered, in five statements.

A task points at its requirements, so this room knows no tasks: it reads them through the reverse names of
`Requirement`, the one glance upward, which a test pins.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from traceability import rollup
from traceability.models import KeyResult, Objective, Requirement
from traceability.models.objective import plain_amount

LINKED = (
    "pk", "links__revision", "links__task_id", "links__task__task_id", "links__task__objective",
    "links__task__status", "links__task__percent", "links__task__mission__mission_id",
)  # fmt: skip

Node = dict[str, Any]


def tree() -> Node:
    """The whole answer: `objectives`, `requirements_without_key_result`, `requirements_without_tasks`, `stats`."""
    requirements = list(Requirement.objects.order_by("pk"))
    linked = _linked()
    branches = _grouped((each.key_result_id, _requirement(each, linked.get(each.pk, []))) for each in requirements)
    results = list(KeyResult.objects.order_by("pk"))
    limbs = _grouped((each.objective_id, _key_result(each, branches.get(each.pk, []))) for each in results)
    objectives = [_objective(each, limbs.get(each.pk, [])) for each in Objective.objects.order_by("pk")]
    served = {task["id"] for tasks in linked.values() for task in tasks}
    return {
        "objectives": objectives,
        "requirements_without_key_result": branches.get(None, []),
        "requirements_without_tasks": [each.key for each in requirements if each.pk not in linked],
        "stats": _stats(len(objectives), len(results), len(requirements), len(served)),
    }


def stats() -> dict[str, Any]:
    """The figures alone, in five statements."""
    served = tasks().filter(requirement_links__isnull=False).values("pk").distinct().count()
    return _stats(Objective.objects.count(), KeyResult.objects.count(), Requirement.objects.count(), served)


def tasks() -> QuerySet[Any]:
    """Every task, by the reverse name of a requirement."""
    above: Any = Requirement._meta.get_field("tasks").related_model
    rows: QuerySet[Any] = above._default_manager.all()
    return rows


def _stats(objectives: int, key_results: int, requirements: int, served: int) -> dict[str, Any]:
    total = tasks().count()
    return {
        "total_objectives": objectives,
        "total_key_results": key_results,
        "total_requirements": requirements,
        "total_tasks": total,
        "linked_tasks": served,
        "unlinked_tasks": total - served,
        "task_coverage": rollup.percent(served, total),
    }


def _linked() -> dict[int, list[Node]]:
    """The tasks of each requirement that has any."""
    rows = Requirement.objects.filter(links__isnull=False).order_by("links__task_id").values_list(*LINKED)
    return _grouped((row[0], _task(*row[1:])) for row in rows)


def _task(revision: int, pk: int, key: str, objective: str, status: str, percent: int, mission: str) -> Node:
    return {
        "id": pk,
        "task_id": key,
        "objective": objective,
        "status": status,
        "percent": percent,
        "mission": mission,
        "revision": revision,
        "suspect": False,
    }


def _requirement(row: Requirement, served_by: list[Node]) -> Node:
    for task in served_by:
        task["suspect"] = task["revision"] < row.revision
    return {
        "id": row.pk,
        "requirement_id": row.key,
        **row.values_of("title", "priority", "horizon", "status", "revision"),
        "progress": rollup.number(rollup.of_tasks(task["status"] for task in served_by)),
        "suspect": sum(task["suspect"] for task in served_by),
        "tasks": served_by,
    }


def _key_result(row: KeyResult, requirements: list[Node]) -> Node:
    return {
        "id": row.pk,
        "kr_id": row.key,
        "title": row.title,
        "unit": row.unit,
        **{name: plain_amount(getattr(row, name)) for name in ("start", "target", "current", "weight")},
        "progress": rollup.number(row.progress),
        "work": rollup.number(rollup.mean(_share(each["progress"]) for each in requirements)),
        "requirements_with_tasks": sum(bool(each["tasks"]) for each in requirements),
        "suspect": sum(each["suspect"] for each in requirements),
        "requirements": requirements,
    }


def _objective(row: Objective, results: list[Node]) -> Node:
    weights = [Decimal(each["weight"]) for each in results]
    measured = (_share(each["progress"]) for each in results)
    worked = (_share(each["work"]) for each in results)
    return {
        "id": row.pk,
        "objective_id": row.key,
        **row.values_of("title", "owner", "status"),
        "progress": rollup.number(rollup.weighted(zip(weights, measured, strict=True))),
        "work": rollup.number(rollup.weighted(zip(weights, worked, strict=True))),
        "key_results": results,
    }


def _share(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _grouped(pairs: Iterable[tuple[Any, Node]]) -> dict[Any, list[Node]]:
    found: dict[Any, list[Node]] = defaultdict(list)
    for owner, node in pairs:
        found[owner].append(node)
    return dict(found)
