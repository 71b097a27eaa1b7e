"""After an erasure: the rows that history tells of, each field that still held the text."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from accounts.models import ApiToken, Session, User
from agents.models import Agent
from coordinator.lib import versions
from coordinator.lib.errors import Conflict
from coordinator.lib.models import Resource
from knowledge.models import Document
from missions import live_state
from missions.models import Advisory, Mission, Task
from missions.replaying import folding, reading
from missions.replaying.folding import CannotFold
from policies.models import Approval
from sprints.models import Sprint
from traceability.bodies import ERASED
from traceability.models import Entry, KeyResult, Objective, Requirement

MISSION_TEXTS = ("goal", "description")
TASK_TEXTS = ("objective", "description", "acceptance_criteria")
SUBJECTS: dict[str, tuple[type[Resource], tuple[str, ...]]] = {
    "account": (User, ("name",)),
    "sprint": (Sprint, ("name", "goal")),
    "objective": (Objective, ("title", "description", "owner")),
    "key_result": (KeyResult, ("title",)),
    "requirement": (Requirement, ("title", "description", "owner")),
    "document": (Document, ("title",)),
}
"""Rows outside missions, by the first word of the kind of their entries, with the texts that entries repeat."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """One value that was erased: of which entry, where, and what it was."""

    entry: Entry
    path: str
    value: Any


class TraceBroken(Conflict):
    """The mission's trace does not fold."""


def follow_history(mission_id: int, *, now: datetime) -> Counter[str]:
    """Makes the mission's rows what its trace folds into, where that is erased; counts the rows by table.

    Raises TraceBroken.
    """
    mission = Mission.objects.select_for_update(no_key=True).filter(pk=mission_id).first()
    try:
        folded = folding.fold(reading.entries(f"mission:{mission_id}")).shown()
    except CannotFold as broken:
        raise TraceBroken(f"Nothing is erased while the trace is broken: {broken}") from broken
    if mission is None:
        return Counter()
    live = live_state.of(mission)
    copies = Counter({"missions_mission": _follow(mission, folded["fields"], live["fields"], MISSION_TEXTS, now)})
    for task in Task.objects.select_for_update(of=("self",), no_key=True).filter(mission=mission).order_by("pk"):
        told, held = folded["tasks"][task.key], live["tasks"][task.key]
        told, held = ({**each["fields"], "outputs": each["outputs"]} for each in (told, held))
        copies["missions_task"] += _follow(task, told, held, (*TASK_TEXTS, "outputs"), now)
    copies["policies_approval"] += _update(Approval, folded["approvals"], live["approvals"], ("summary", "reason"))
    copies["missions_advisory"] += _update(Advisory, folded["advisories"], live["advisories"], ("message",))
    return +copies


def empty(gone: Gone, *, now: datetime) -> Counter[str]:
    """Empties the field of the row outside missions that still holds the erased value."""
    noun, name = gone.entry.kind.partition(".")[0], gone.path.rpartition(".")[2]
    special = SPECIAL.get((noun, gone.path))
    if special is not None:
        return special(gone)
    if noun == "agent" and name == "name":
        return _emptied(Agent, gone.entry.agent_id, name, gone.value, now)
    model, texts = SUBJECTS.get(noun, (None, ()))
    if model is None or name not in texts or not hasattr(model, name):
        return Counter()
    return _emptied(model, gone.entry.subject_id, name, gone.value, now)


def _emptied(model: Any, pk: int | None, name: str, value: Any, now: datetime) -> Counter[str]:
    row = model.objects.select_for_update().filter(pk=pk, **{name: value}).first()
    if row is None:
        return Counter()
    changes = {name: ERASED}
    if model is Requirement:
        changes["fingerprint"] = Requirement.fingerprint_of(**{**row.values_of("title", "description"), **changes})
    versions.bump(row, now=now, **changes)
    return Counter({model._meta.db_table: 1})


def _session_ip(gone: Gone) -> Counter[str]:
    rows = Session.objects.filter(user__email=gone.entry.key_of("subject"), ip=gone.value)
    return Counter({"accounts_session": rows.update(ip=None)})


def _token_name(gone: Gone) -> Counter[str]:
    rows = ApiToken.objects.filter(prefix=gone.entry.data["prefix"], name=gone.value)
    return Counter({"accounts_apitoken": rows.update(name=ERASED)})


SPECIAL: Mapping[tuple[str, str], Callable[[Gone], Counter[str]]] = {
    ("session", "ip"): _session_ip,
    ("token", "name"): _token_name,
}


def _follow(
    row: Resource, told: Mapping[str, Any], held: Mapping[str, Any], names: Iterable[str], now: datetime
) -> int:
    changed = {name: told[name] for name in names if told[name] != held[name]}
    return bool(versions.bump(row, now=now, **changed))


def _update(model: type[Model], told: Mapping[str, Any], held: Mapping[str, Any], names: Iterable[str]) -> int:
    count = 0
    for pk, row in told.items():
        if changed := {name: row[name] for name in names if row[name] != held[pk][name]}:
            count += model._default_manager.filter(pk=int(pk)).update(**changed)
    return count
