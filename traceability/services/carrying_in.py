"""Importing a plan: all of it, or nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from coordinator.lib.errors import Invalid
from traceability import importing, ledger
from traceability.events import Actor
from traceability.formats.rows import Fault, Row
from traceability.importing import ABOVE, MODELS, Plan, Step
from traceability.services import planning

MAKES: dict[str, Any] = {
    "objective": planning.create_objective,
    "key_result": planning.create_key_result,
    "requirement": planning.create_requirement,
}
REVISES: dict[str, Any] = {
    "objective": planning.revise_objective,
    "key_result": planning.revise_key_result,
    "requirement": planning.revise_requirement,
}


class ImportRefused(Invalid):
    """Nothing was imported: some lines are wrong."""


def import_rows(
    rows: Sequence[Row], faults: Iterable[Fault] = (), *, dry_run: bool, actor: Actor, now: datetime
) -> Plan:
    """What was done, or would be with `dry_run`. Raises ImportRefused, naming every line, when any line is wrong."""
    if dry_run:
        return importing.plan(rows, faults)
    with ledger.writing():
        plan = importing.plan(rows, faults)
        if plan.faults:
            raise ImportRefused(_told(plan.faults))
        _carry_out(plan, actor=actor, now=now)
    return plan


def _carry_out(plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Makes and revises, what stands above first."""
    known: dict[tuple[str, str], Any] = {}
    for kind in MODELS:
        for step in plan.steps:
            if step.type == kind and step.outcome in {"created", "changed"}:
                fields = _settled(step, known)
                known[kind, step.key] = _do(step, fields, actor=actor, now=now)


def _do(step: Step, fields: dict[str, Any], *, actor: Actor, now: datetime) -> Any:
    model = MODELS[step.type]
    if step.outcome == "created":
        return MAKES[step.type](actor=actor, now=now, **{model.KEY: step.key}, **fields)
    row = model.objects.keyed(step.key).get()
    return REVISES[step.type](row, expected=None, actor=actor, now=now, **fields)


def _settled(step: Step, known: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """The step's fields, with the row above in the place of its key."""
    kind = ABOVE.get(step.type, "")
    key = step.fields.get(kind)
    if key is None:
        return dict(step.fields)
    if (kind, key) not in known:
        known[kind, key] = MODELS[kind].objects.keyed(key).get()
    return {**step.fields, kind: known[kind, key]}


def _told(faults: Iterable[Fault]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(f"line {fault.line}.{fault.field}", []).append(fault.text)
    return told
