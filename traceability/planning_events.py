"""What happens to objectives, key results and requirements, in the past tense.

`fields` holds every field at the birth, and what changed (with the new values) afterwards.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class ObjectiveCreated(Event):
    kind: ClassVar[str] = "objective.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title", "fields.description", "fields.owner")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ObjectiveRevised(Event):
    kind: ClassVar[str] = "objective.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title", "fields.description", "fields.owner")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class KeyResultCreated(Event):
    kind: ClassVar[str] = "key_result.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title",)
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class KeyResultRevised(Event):
    kind: ClassVar[str] = "key_result.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title",)
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RequirementCreated(Event):
    kind: ClassVar[str] = "requirement.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title", "fields.description", "fields.owner")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RequirementRevised(Event):
    """`fields` names a new `revision` when the words changed: links to an older one are then suspect."""

    kind: ClassVar[str] = "requirement.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.title", "fields.description", "fields.owner")
    fields: dict[str, Any]
