"""Making and revising objectives, key results and requirements."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from coordinator.lib.models import Resource
from traceability import ledger
from traceability.events import Actor
from traceability.models import KeyResult, Objective, Requirement
from traceability.planning_events import (
    KeyResultCreated,
    KeyResultRevised,
    ObjectiveCreated,
    ObjectiveRevised,
    RequirementCreated,
    RequirementRevised,
)

OBJECTIVE_FIELDS = ("objective_id", "title", "description", "owner", "status")
KEY_RESULT_FIELDS = ("kr_id", "objective", "title", "start", "target", "current", "unit", "weight")
REQUIREMENT_FIELDS = (
    "requirement_id", "title", "description", "key_result", "priority", "horizon", "status", "revision",
)  # fmt: skip

Row = TypeVar("Row", Objective, KeyResult, Requirement)


class KeyTaken(Conflict):
    """This public key is taken."""


def create_objective(*, actor: Actor, now: datetime, **fields: Any) -> Objective:
    """An objective, active unless `status` says otherwise. Raises KeyTaken."""
    with ledger.writing():
        objective = _born(Objective, fields, now)
        told = ObjectiveCreated(subject=objective.subject, fields=_plain(objective.values_of(*OBJECTIVE_FIELDS)))
        ledger.record(told, actor=actor, at=now)
    return objective


def revise_objective(
    objective: Objective, *, expected: int | None, actor: Actor, now: datetime, **fields: Any
) -> Objective:
    """Changes what differs. Raises Stale, Invalid for another key."""
    with ledger.writing():
        objective = _locked(objective, expected, fields)
        if changed := versions.bump(objective, now=now, **fields):
            told = ObjectiveRevised(subject=objective.subject, fields=_plain(changed))
            ledger.record(told, actor=actor, at=now)
    return objective


def create_key_result(*, objective: Objective, actor: Actor, now: datetime, **fields: Any) -> KeyResult:
    """A measurable outcome of an objective. Raises KeyTaken, Invalid when it goes nowhere."""
    _check_way(KeyResult(**fields))
    with ledger.writing():
        result = _born(KeyResult, {"objective": objective, **fields}, now)
        told = KeyResultCreated(subject=result.subject, fields=_plain(result.values_of(*KEY_RESULT_FIELDS)))
        ledger.record(told, actor=actor, at=now)
    return result


def revise_key_result(
    result: KeyResult, *, expected: int | None, actor: Actor, now: datetime, **fields: Any
) -> KeyResult:
    """Changes what differs; a new `current` is how it is measured. Raises Stale, Invalid."""
    with ledger.writing():
        result = _locked(result, expected, fields)
        _check_way(KeyResult(**{**result.values_of("start", "target"), **_of(fields, "start", "target")}))
        if changed := versions.bump(result, now=now, **fields):
            ledger.record(KeyResultRevised(subject=result.subject, fields=_plain(changed)), actor=actor, at=now)
    return result


def create_requirement(*, actor: Actor, now: datetime, **fields: Any) -> Requirement:
    """A requirement at revision 1, or at the `revision` that it has elsewhere. Raises KeyTaken."""
    fingerprint = Requirement.fingerprint_of(title=fields["title"], description=fields.get("description", ""))
    with ledger.writing():
        requirement = _born(Requirement, {**fields, "fingerprint": fingerprint}, now)
        told = RequirementCreated(
            subject=requirement.subject, fields=_plain(requirement.values_of(*REQUIREMENT_FIELDS))
        )
        ledger.record(told, actor=actor, at=now)
    return requirement


def revise_requirement(
    requirement: Requirement, *, expected: int | None, actor: Actor, now: datetime, **fields: Any
) -> Requirement:
    """Changes what differs; other words make a new revision, and links to the old one suspect.

    Raises Stale, Invalid for another key.
    """
    with ledger.writing():
        requirement = _locked(requirement, expected, fields)
        if changed := versions.bump(requirement, now=now, **fields, **_reworded(requirement, fields)):
            changed.pop("fingerprint", None)
            told = RequirementRevised(subject=requirement.subject, fields=_plain(changed))
            ledger.record(told, actor=actor, at=now)
    return requirement


def _reworded(requirement: Requirement, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The next revision and its fingerprint, when the words differ."""
    words = {**requirement.values_of("title", "description"), **_of(fields, "title", "description")}
    fingerprint = Requirement.fingerprint_of(**words)
    if fingerprint == requirement.fingerprint:
        return {}
    return {"revision": requirement.revision + 1, "fingerprint": fingerprint}


def _check_way(result: KeyResult) -> None:
    if result.start == result.target:
        raise Invalid({"target": [f"The target must differ from the start, {result.start}: nothing could be reached."]})


def _born(model: type[Row], fields: Mapping[str, Any], now: datetime) -> Row:
    _free(model, fields.get(model.KEY))
    return model.objects.create(**fields, created_at=now, updated_at=now)


def _locked(row: Row, expected: int | None, fields: Mapping[str, Any]) -> Row:
    """The present row, locked. Raises Stale, and Invalid for another key: history names it by the one it has."""
    found = type(row).objects.select_for_update().get(pk=row.pk)
    versions.require(found, expected)
    versions.keep_key(found, fields)
    return found


def _free(model: type[Row], key: str | None) -> None:
    if key and model.objects.keyed(key).exists():
        raise KeyTaken(f"There is a {model._meta.verbose_name} {key!r} already; choose another {model.KEY}.")


def _of(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as history keeps them: another row as its id and key."""
    return {
        name: {"id": value.pk, "key": value.key} if isinstance(value, Resource) else value
        for name, value in fields.items()
    }
