"""Objectives, requirements, and the tree from goals to tasks with its gaps."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from coordinator.dashboard.charts import bars
from missions.lifecycle import TaskStatus
from missions.models import RequirementLink, Task
from traceability.models import KeyResult, Objective, Requirement, RequirementStatus

MOST = 500


def tree(gaps_only: bool) -> Mapping[str, Any]:
    """Objectives with their key results and a cell for each requirement; 5 statements."""
    tasks = _tasks_by_requirement()
    required: dict[int | None, list[dict[str, Any]]] = {}
    for requirement in _requirements().order_by("requirement_id"):
        total, done = tasks.get(requirement.pk, (0, 0))
        if not (gaps_only and total):
            required.setdefault(requirement.key_result_id, []).append(_cell(requirement, total, done))
    results: dict[int, list[dict[str, Any]]] = {}
    for key_result in KeyResult.objects.order_by("pk"):
        results.setdefault(key_result.objective_id, []).append(_result(key_result, required.pop(key_result.pk, [])))
    goals = [
        {"objective": objective, "results": results.get(objective.pk, [])}
        for objective in Objective.objects.order_by("pk")
    ]
    return {"goals": goals, "loose": required.pop(None, []), "gaps_only": gaps_only}


def coverage() -> Mapping[str, Any]:
    """How much of the requirements has a task, and how much of the work serves a requirement; 4 statements."""
    linked = RequirementLink.objects.values("task_id")
    work = Task.objects.aggregate(total=Count("pk"), linked=Count("pk", filter=Q(pk__in=linked)))
    required = _requirements().aggregate(
        total=Count("pk", distinct=True), covered=Count("pk", filter=Q(links__isnull=False), distinct=True)
    )
    return {
        "numbers": [
            ("Objectives", Objective.objects.count(), ""),
            ("Key results", KeyResult.objects.count(), ""),
            ("Requirements", required["total"], f"{required['total'] - required['covered']} without a task"),
            ("Tasks", work["total"], f"{work['total'] - work['linked']} serve no requirement"),
            ("Task coverage", f"{_percent(work['linked'], work['total'])} %", "Tasks that serve a requirement"),
        ]
    }


def objectives() -> Mapping[str, Any]:
    """Every objective with its key results' progress; 3 statements."""
    results: dict[int, list[dict[str, Any]]] = {}
    counted: Any = KeyResult.objects.annotate(requirements_count=Count("requirements"))
    for each in counted.order_by("pk")[:MOST]:
        row = {**_result(each, []), "requirements": each.requirements_count}
        results.setdefault(each.objective_id, []).append(row)
    found = Objective.objects.order_by("pk")[:MOST]
    return {"objectives": [{"objective": each, "results": results.get(each.pk, [])} for each in found]}


def requirements(filters: Mapping[str, str]) -> Mapping[str, Any]:
    """The requirements that the filters leave, each with its tasks; 3 statements."""
    found = Requirement.objects.select_related("key_result")
    if words := filters.get("q"):
        found = found.filter(Q(title__icontains=words) | Q(requirement_id__icontains=words))
    if priority := filters.get("priority"):
        found = found.filter(priority=priority)
    if status := filters.get("status"):
        found = found.filter(status=status)
    if filters.get("gap"):
        found = found.filter(links__isnull=True)
    tasks = _tasks_by_requirement()
    listed = [
        _listed(each, *tasks.get(each.pk, (0, 0))) for each in found.order_by("priority", "requirement_id")[:MOST]
    ]
    return {"requirements": listed, "total": found.count()}


def requirement(key: str) -> Mapping[str, Any]:
    """One requirement with the tasks that serve it, and whether they read its present wording; 2 statements."""
    found = Requirement.objects.select_related("key_result__objective").identified(key)
    links = RequirementLink.objects.filter(requirement=found).select_related("task__agent", "task__mission")
    return {"requirement": found, "links": list(links.order_by("task_id")[:MOST])}


def _requirements() -> QuerySet[Requirement]:
    return Requirement.objects.exclude(status=RequirementStatus.OBSOLETE)


def _tasks_by_requirement() -> dict[int, tuple[int, int]]:
    """How many tasks serve each requirement and how many of those are completed; 1 statement."""
    grouped = RequirementLink.objects.values_list("requirement_id").annotate(
        total=Count("pk"), done=Count("pk", filter=Q(task__status=TaskStatus.COMPLETED))
    )
    return {requirement_id: (total, ended) for requirement_id, total, ended in grouped.order_by()}


def _cell(requirement: Requirement, total: int, done: int) -> dict[str, Any]:
    return {
        "id": requirement.pk,
        "key": requirement.key,
        "title": requirement.title,
        "href": reverse("pages:requirement", args=[requirement.key]),
        "total": total,
        "done": done,
        "bar": bars.meter(done / total) if total else "",
    }


def _listed(requirement: Requirement, total: int, done: int) -> dict[str, Any]:
    return {**_cell(requirement, total, done), "requirement": requirement, "key_result": requirement.key_result}


def _result(key_result: KeyResult, cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    listed = list(cells)
    covered = sum(1 for cell in listed if cell["total"])
    share = float((key_result.current - key_result.start) / (key_result.target - key_result.start))
    return {
        "key_result": key_result,
        "cells": listed,
        "covered": _percent(covered, len(listed)) if listed else None,
        "share": max(0.0, min(1.0, share)),
        "bar": bars.meter(share),
    }


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
