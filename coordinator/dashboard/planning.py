"""Objectives, requirements, and the tree from goals to tasks with its gaps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from coordinator.dashboard.charts import bars
from missions.lifecycle import TaskStatus
from missions.models import RequirementLink
from traceability import rollup
from traceability.coverage import Node
from traceability.models import KeyResult, Objective, Requirement

MOST = 500


def tree(covered: Node, gaps_only: bool) -> Mapping[str, Any]:
    """`traceability.coverage.tree()` as objectives with their key results and a cell for each requirement."""
    return {
        "goals": [{**goal, "results": [_limb(each, gaps_only) for each in goal["key_results"]]}
                  for goal in covered["objectives"]],
        "loose": _cells(covered["requirements_without_key_result"], gaps_only),
        "gaps_only": gaps_only,
    }  # fmt: skip


def _limb(result: Node, gaps_only: bool) -> Node:
    total = len(result["requirements"])
    return {
        "id": result["id"],
        "title": result["title"],
        "cells": _cells(result["requirements"], gaps_only),
        "covered": result["requirements_with_tasks"] / total if total else None,
    }


def _cells(requirements: Iterable[Node], gaps_only: bool) -> list[Node]:
    return [
        _cell(each["id"], each["requirement_id"], each["title"], [task["status"] for task in each["tasks"]])
        for each in requirements
        if not (gaps_only and each["tasks"])
    ]


def numbers(covered: Node) -> Mapping[str, Any]:
    """How much of the requirements has a task, and how much of the work serves a requirement."""
    stats, gaps = covered["stats"], len(covered["requirements_without_tasks"])
    return {
        "numbers": [
            ("Objectives", stats["total_objectives"], ""),
            ("Key results", stats["total_key_results"], ""),
            ("Requirements", stats["total_requirements"], f"{gaps} without a task"),
            ("Tasks", stats["total_tasks"], f"{stats['unlinked_tasks']} serve no requirement"),
            ("Task coverage", f"{stats['task_coverage']:g} %", "Tasks that serve one"),
        ]
    }


def objectives() -> Mapping[str, Any]:
    """Every objective with its key results' progress; 3 statements."""
    results: dict[int, list[dict[str, Any]]] = {}
    counted: Any = KeyResult.objects.annotate(requirements_count=Count("requirements"))
    for each in counted.order_by("pk")[:MOST]:
        row = {"key_result": each, "bar": bars.meter(float(each.progress)), "requirements": each.requirements_count}
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
    tasks, listed = _statuses(), found.order_by("priority", "requirement_id")[:MOST]
    return {
        "requirements": [
            {
                **_cell(each.pk, each.key, each.title, tasks.get(each.pk, [])),
                "requirement": each,
                "key_result": each.key_result,
            }
            for each in listed
        ],
        "total": found.count(),
    }


def requirement(key: str) -> Mapping[str, Any]:
    """One requirement with the tasks that serve it, and whether they read its present wording; 2 statements."""
    found = Requirement.objects.select_related("key_result__objective").identified(key)
    links = RequirementLink.objects.filter(requirement=found).select_related("task__agent", "task__mission")
    return {"requirement": found, "links": list(links.order_by("task_id")[:MOST])}


def _statuses() -> dict[int, list[str]]:
    """How the tasks stand that serve each requirement; 1 statement."""
    found: dict[int, list[str]] = {}
    for requirement_id, status in RequirementLink.objects.values_list("requirement_id", "task__status"):
        found.setdefault(requirement_id, []).append(status)
    return found


def _cell(pk: int, key: str, title: str, statuses: Sequence[str]) -> Node:
    done, share = statuses.count(TaskStatus.COMPLETED), rollup.of_tasks(statuses)
    return {
        "id": pk,
        "key": key,
        "title": title,
        "href": reverse("pages:requirement", args=[key]),
        "total": len(statuses),
        "done": done,
        "bar": "" if share is None else bars.meter(float(share)),
    }
