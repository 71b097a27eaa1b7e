"""A mission in memory, and an entry of its stream as the fold reads it. Pure."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from coordinator.lib.money import plain_money

ERASED = "[erased]"
"""What an erased value reads as."""

APART = frozenset({"status", "agent", "percent", "outputs"})
"""Fields of a task that stand beside `fields` in its state, because moves and reports change them too."""

Fields = dict[str, Any]


class Told(NamedTuple):
    """One entry: `at` is when it happened (RFC 3339), `data` the event's own fields."""

    id: int
    stream: str
    seq: int
    kind: str
    schema: int
    at: str
    actor: str
    refs: dict[str, Any]
    data: dict[str, Any]

    def key_of(self, noun: str) -> str | None:
        """The public key of the task or agent that it tells of."""
        ref = self.refs.get(noun)
        return ref["key"] if ref else None

    @property
    def task_id(self) -> int:
        """The row id of its task. Raises KeyError without one."""
        found: int = self.refs["task"]["id"]
        return found


@dataclass
class State:
    """A mission in memory. Tasks are kept by row id; `since` of a task is when it was moved last."""

    status: str = ""
    fields: Fields = field(default_factory=dict)
    tasks: dict[int, Fields] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)
    process: Fields = field(default_factory=lambda: {"state": "stopped"})
    decisions: dict[int, Fields] = field(default_factory=dict)
    approvals: dict[int, Fields] = field(default_factory=dict)
    executions: dict[int, Fields] = field(default_factory=dict)
    advisories: dict[int, Fields] = field(default_factory=dict)
    cost_usd: Decimal = Decimal(0)

    def shown(self) -> dict[str, Any]:
        """Plain values: money as text, tasks by public key, everything else by its id as text."""
        tasks = {task["fields"]["task_id"]: _task_shown(task) for task in self.tasks.values()}
        return {
            "status": self.status,
            "fields": dict(sorted(self.fields.items())),
            "tasks": dict(sorted(tasks.items())),
            "participants": dict(sorted(self.participants.items())),
            "process": dict(self.process),
            "decisions": _by_id(self.decisions),
            "approvals": _by_id(self.approvals),
            "executions": _by_id(self.executions),
            "advisories": _by_id(self.advisories),
            "cost_usd": plain_money(self.cost_usd),
        }


def settled(fields: Fields) -> Fields:
    """Field values of history with one form each: money without needless zeros, a related row as its key."""
    return {name: _settled(name, value) for name, value in fields.items()}


def money(text: str | None) -> str | None:
    return None if text is None else plain_money(Decimal(text))


EMPTIED: dict[str, Any] = {"acceptance_criteria": [ERASED], "outputs": {}}
"""What is left of a list or an object that was erased as a whole."""


def _settled(name: str, value: Any) -> Any:
    if value == ERASED:
        return EMPTIED.get(name, ERASED)
    if name == "budget_usd":
        return money(value)
    if isinstance(value, dict) and name != "outputs" and set(value) == {"id", "key"}:
        return value["key"]
    return value


def _task_shown(task: Fields) -> Fields:
    shown = {**task, "fields": dict(sorted(task["fields"].items())), "cost_usd": plain_money(task["cost_usd"])}
    del shown["since"]
    return shown


def _by_id(rows: dict[int, Fields]) -> dict[str, Fields]:
    return {str(key): dict(rows[key]) for key in sorted(rows)}
