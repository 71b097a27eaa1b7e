"""Dependencies as an acyclic graph, and the requirements that a task serves."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from coordinator.lib.errors import Invalid
from missions.models import Dependency, RequirementLink, Task
from traceability.models import Requirement

LOCK = "missions.dependencies"
REACHES = """
WITH RECURSIVE below(id) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT needs_id FROM missions_dependency JOIN below ON task_id = below.id
)
SELECT task_id FROM missions_task WHERE id = %s AND id IN (SELECT id FROM below)
"""


def depend(task: Task, needs: Sequence[Task]) -> bool:
    """Makes `task` wait for exactly these. Answers whether anything changed. Raises Invalid on a cycle."""
    wanted = {need.pk for need in needs}
    present = set(Dependency.objects.filter(task=task).values_list("needs_id", flat=True))
    if wanted == present:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        cursor.execute(REACHES, [list(wanted), task.pk])
        if cursor.fetchone():
            raise Invalid({"depends_on": [f"Task {task.key} would wait for itself: this closes a cycle."]})
    if gone := present - wanted:
        Dependency.objects.filter(task=task, needs__in=gone).delete()
    Dependency.objects.bulk_create([Dependency(task=task, needs_id=pk) for pk in sorted(wanted - present)])
    return True


def serve(task: Task, requirements: Iterable[Requirement], now: datetime) -> bool:
    """Links `task` to exactly these requirements, each at its present revision. Answers whether anything changed."""
    wanted = {requirement.pk: requirement for requirement in requirements}
    present = set(RequirementLink.objects.filter(task=task).values_list("requirement_id", flat=True))
    if set(wanted) == present:
        return False
    if gone := present - set(wanted):
        RequirementLink.objects.filter(task=task, requirement__in=gone).delete()
    RequirementLink.objects.bulk_create(
        RequirementLink(task=task, requirement=wanted[pk], revision=wanted[pk].revision, linked_at=now)
        for pk in sorted(set(wanted) - present)
    )
    return True


def named_needs(needs: Iterable[Task]) -> list[str]:
    return sorted({need.key for need in needs})


def named_requirements(task: Task) -> list[dict[str, Any]]:
    """The requirements that the task serves, each at the revision to which it was linked."""
    links = RequirementLink.objects.filter(task=task).select_related("requirement")
    found = [{"key": link.requirement.key, "revision": link.revision} for link in links]
    return sorted(found, key=lambda each: str(each["key"]))
