"""Policies from files: what would change, and making it so, all files or none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coordinator.lib.errors import Conflict, Invalid
from policies.files import Misread, PolicyFile
from policies.models import FIELDS, Policy
from policies.services import revising
from traceability import ledger
from traceability.events import Actor


@dataclass(frozen=True)
class Step:
    """What one file changes: `changed` are the fields that differ; `stored` is None when the policy is new."""

    file: PolicyFile
    content: dict[str, Any]
    stored: Policy | None
    changed: tuple[str, ...]

    @property
    def word(self) -> str:
        if self.stored is None:
            return "new"
        return "changed" if self.changed else "same"


def plan(files: Iterable[PolicyFile]) -> list[Step]:
    """What the files would change; each says all of its policy. Raises Misread with every mistake of every file."""
    listed = list(files)
    stored = {policy.key: policy for policy in Policy.objects.filter(policy_id__in=[each.key for each in listed])}
    steps, wrong = [], list[str]()
    for each in listed:
        try:
            steps.append(_step(each, stored.get(each.key)))
        except Invalid as refused:
            wrong += each.told(refused.errors)
    if wrong:
        raise Misread(wrong)
    return steps


def carry_out(steps: Iterable[Step], *, actor: Actor, now: datetime, note: str) -> list[Policy]:
    """Makes the policies what the files say: a new policy, or a revision where something differs."""
    told: dict[str, Any] = {"actor": actor, "now": now, "change_note": note}
    made = []
    with ledger.writing():
        for step in steps:
            try:
                made += _made(step, told)
            except Invalid as refused:
                raise Misread(step.file.told(refused.errors)) from refused
            except Conflict as refused:
                raise Misread([f"{step.file.name}:1: {refused.detail}"]) from refused
    return made


def _made(step: Step, told: dict[str, Any]) -> list[Policy]:
    if step.stored is None:
        return [revising.create(policy_id=step.file.key, **step.content, **told)]
    if step.changed:
        return [revising.revise(step.stored, expected=step.stored.version, **step.content, **told)]
    return []


def _step(file: PolicyFile, stored: Policy | None) -> Step:
    content = revising.drafted(file.fields)
    revising.known_scope(content["scope"])
    before = {} if stored is None else stored.values_of(*FIELDS)
    changed = tuple(name for name in before if revising.differs(content[name], before[name]))
    return Step(file, content, stored, changed)
