"""A mission's present rows in the form that replay gives, so that the two can be compared value by value."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from coordinator.lib.money import plain_money
from missions.models import Mission, Participation, Task
from missions.services.planning import MISSION_FIELDS, TASK_FIELDS, plain
from traceability import canonical

APART = {"status", "agent", "percent", "outputs"}
"""Fields of a task that stand beside `fields` in its state, because moves and reports change them too."""


def of(mission: Mission) -> dict[str, Any]:
    """The mission's state now, in a fixed number of statements."""
    row = Mission.objects.select_related("owner").get(pk=mission.pk)
    fields = settled(_read(plain(row.values_of(*MISSION_FIELDS))))
    status = fields.pop("status")
    tasks = Task.objects.filter(mission=row).shown().prefetch_related("requirement_links__requirement")
    parts = Participation.objects.filter(mission=row).select_related("agent", "member")
    return {
        "status": status,
        "fields": dict(sorted(fields.items())),
        "tasks": {task.key: _task(task) for task in tasks.order_by("task_id")},
        "participants": dict(sorted((_participant(part), part.role) for part in parts)),
        "cost_usd": plain_money(row.cost_usd),
    }


def settled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values of history with one form each: money without needless zeros, a related row as its key."""
    return {name: _settled(name, value) for name, value in fields.items()}


def _settled(name: str, value: Any) -> Any:
    if name == "budget_usd" and value is not None:
        return plain_money(Decimal(value))
    if isinstance(value, dict) and set(value) == {"id", "key"} and name != "outputs":
        return value["key"]
    return value


def _task(task: Task) -> dict[str, Any]:
    fields = settled(_read(plain(task.values_of(*TASK_FIELDS))))
    apart = {name: fields.pop(name) for name in APART}
    links = sorted(task.requirement_links.all(), key=lambda link: link.requirement.key)
    return {
        **apart,
        "fields": dict(sorted(fields.items())),
        "attempts": task.attempts,
        "cost_usd": plain_money(task.cost_usd),
        "depends_on": sorted(need.key for need in task.depends_on.all()),
        "requirements": [{"key": link.requirement.key, "revision": link.revision} for link in links],
        "claim": _claim(task),
    }


def _claim(task: Task) -> dict[str, Any] | None:
    held = getattr(task, "claim", None)
    return held and {"agent": held.agent.key, "fence": held.fence}


def _participant(part: Participation) -> str:
    return f"agent:{part.agent}" if part.agent else f"member:{part.member}"


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    """As the ledger would give them back."""
    found: dict[str, Any] = canonical.read(canonical.write(fields))
    return found
