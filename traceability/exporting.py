"""What is exported: the plan as rows in the order of its tree, in one of the forms."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from traceability.formats import FORMS
from traceability.formats.rows import Row
from traceability.models import KeyResult, Objective, Requirement
from traceability.models.objective import plain_amount

LINKED = (
    "pk", "requirement_id", "links__revision", "links__task__task_id", "links__task__objective", "links__task__status",
)  # fmt: skip
Value = TypeVar("Value")


def export(form: str, at: datetime) -> str:
    """The whole plan in this form: `json`, `csv`, `md` or `reqif`."""
    return FORMS[form].write(list(rows()), at)


def rows() -> Iterator[Row]:
    """Requirements without a key result first, then each objective with all that hangs on it; in four statements."""
    tasks = _tasks()
    requirements = _grouped((each.key_result_id, each) for each in Requirement.objects.shown().order_by("pk"))
    results = _grouped((each.objective_id, each) for each in KeyResult.objects.shown().order_by("pk"))
    yield from _branches(requirements.get(None, []), tasks)
    for objective in Objective.objects.order_by("pk"):
        yield Row("objective", objective.key, objective.values_of("title", "description", "owner", "status"))
        for result in results.get(objective.pk, []):
            yield _of_result(result)
            yield from _branches(requirements.get(result.pk, []), tasks)


def _branches(requirements: Iterable[Requirement], tasks: dict[int | None, list[Row]]) -> Iterator[Row]:
    for requirement in requirements:
        told = requirement.values_of("title", "description", "priority", "horizon", "status")
        parent = requirement.key_result.key if requirement.key_result else ""
        yield Row("requirement", requirement.key, {"parent": parent, **told, "revision": str(requirement.revision)})
        yield from tasks.get(requirement.pk, [])


def _of_result(result: KeyResult) -> Row:
    amounts = {name: plain_amount(getattr(result, name)) for name in ("start", "target", "current", "weight")}
    told = {"parent": result.objective.key, "title": result.title, "unit": result.unit, **amounts}
    return Row("key_result", result.key, told)


def _tasks() -> dict[int | None, list[Row]]:
    """The tasks of each requirement, read through its reverse name, as `coverage` does."""
    linked = Requirement.objects.filter(links__isnull=False).order_by("links__task_id").values_list(*LINKED)
    return _grouped(
        (pk, Row("task", task, {"parent": key, "title": title, "status": status, "revision": str(revision)}))
        for pk, key, revision, task, title, status in linked
    )


def _grouped(pairs: Iterable[tuple[int | None, Value]]) -> dict[int | None, list[Value]]:
    found: dict[int | None, list[Value]] = defaultdict(list)
    for owner, each in pairs:
        found[owner].append(each)
    return dict(found)
