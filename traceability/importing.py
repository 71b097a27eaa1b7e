"""What an import would do: each row compared with what stands, and everything that is wrong, in one pass.

Reads only. Nothing is ever removed by an import; rows that are here and not in the file are named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import ValidationError

from coordinator.lib.models import Resource
from traceability.formats.rows import Fault, Row
from traceability.models import KeyResult, Objective, Requirement

MODELS: dict[str, type[Objective] | type[KeyResult] | type[Requirement]] = {
    "objective": Objective,
    "key_result": KeyResult,
    "requirement": Requirement,
}
ABOVE = {"key_result": "objective", "requirement": "key_result"}
"""Which row stands above: the name of the type, and of the field."""

Outcome = Literal["created", "changed", "unchanged", "skipped"]


@dataclass(frozen=True)
class Step:
    """What becomes of one row. `fields` are the values that differ; the row above is given by its key."""

    line: int
    type: str
    key: str
    outcome: Outcome
    fields: Mapping[str, Any]

    @property
    def changes(self) -> list[str]:
        """The names of the values that are new."""
        return sorted(self.fields)


@dataclass(frozen=True)
class Plan:
    """`missing` are the keys of what is here and not in the file."""

    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    missing: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(step.outcome == outcome for step in self.steps)


Standing = dict[str, dict[str, Any]]


def plan(rows: Sequence[Row], faults: Iterable[Fault] = ()) -> Plan:
    """Compares the rows with what stands, in three statements. `faults` are those of reading."""
    standing: Standing = {kind: {row.key: row for row in model.objects.shown()} for kind, model in MODELS.items()}
    coming: dict[str, dict[str, int]] = {kind: {} for kind in MODELS}
    found = list(faults)
    for row in rows:
        if row.type in coming and coming[row.type].setdefault(row.key, row.line) != row.line:
            found.append(Fault(row.line, "id", f"Line {coming[row.type][row.key]} has this id already."))
    steps = []
    for row in rows:
        fields, wrong = _fields(row, standing, coming)
        found += wrong
        steps.append(_step(row, fields, standing))
    missing = [key for kind in MODELS for key in standing[kind] if key not in coming[kind]]
    return Plan(tuple(steps), _first_of_each(found), tuple(missing))


def _first_of_each(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """In the order of the lines, one for each value of a line."""
    firsts: dict[tuple[int, str], Fault] = {}
    for fault in faults:
        firsts.setdefault((fault.line, fault.field), fault)
    return tuple(firsts[place] for place in sorted(firsts))


def _step(row: Row, fields: dict[str, Any], standing: Standing) -> Step:
    if row.type == "task":
        return Step(row.line, row.type, row.key, "skipped", {})
    present = standing[row.type].get(row.key)
    if present is None:
        return Step(row.line, row.type, row.key, "created", fields)
    fields.pop("revision", None)
    differing = {name: value for name, value in fields.items() if _standing_value(present, name) != value}
    return Step(row.line, row.type, row.key, "changed" if differing else "unchanged", differing)


def _standing_value(present: Resource, name: str) -> Any:
    value = getattr(present, name)
    return value.key if isinstance(value, Resource) else value


def _fields(row: Row, standing: Standing, coming: dict[str, dict[str, int]]) -> tuple[dict[str, Any], list[Fault]]:
    """The row's values as the model takes them, and what is wrong with them."""
    if row.type == "task":
        return {}, []
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    present = standing[row.type].get(row.key)
    if row.key:
        _clean(row, MODELS[row.type].KEY, row.key, "id", faults)
    else:
        faults.append(Fault(row.line, "id", "A row needs an id."))
    for name, text in row.values.items():
        if name == "parent":
            faults += _above(row, text, standing, coming, fields)
        else:
            fields[name] = _clean(row, name, text, name, faults)
    if present is None and "title" not in fields:
        faults.append(Fault(row.line, "title", "A new row needs a title."))
    if row.type == "key_result":
        faults += _way(row, present, fields)
    return fields, faults


def _above(
    row: Row, key: str, standing: Standing, coming: dict[str, dict[str, int]], fields: dict[str, Any]
) -> list[Fault]:
    kind = ABOVE.get(row.type, "")
    fields[kind] = key or None
    if key and key not in standing[kind] and key not in coming[kind]:
        return [Fault(row.line, "parent", f"There is no {kind.replace('_', ' ')} {key[:100]!r}, here or in the file.")]
    return []


def _way(row: Row, present: KeyResult | None, fields: dict[str, Any]) -> list[Fault]:
    """A key result belongs to an objective and goes somewhere."""
    faults = []
    if not fields.get("objective", present):
        faults.append(Fault(row.line, "parent", "A key result stands under an objective."))
    base = present or KeyResult()
    if fields.get("start", base.start) == fields.get("target", base.target):
        faults.append(Fault(row.line, "target", "The target must differ from the start."))
    return faults


def _clean(row: Row, name: str, text: str, shown: str, faults: list[Fault]) -> Any:
    """The value as the column takes it; what the column refuses becomes a fault."""
    column: Any = MODELS[row.type]._meta.get_field(name)
    try:
        value = column.clean(text, None)
    except ValidationError as refused:
        faults += [Fault(row.line, shown, message) for message in refused.messages]
        return text
    if name == "revision" and value < 1:
        faults.append(Fault(row.line, shown, "Revisions count from 1."))
    return value
