"""What happens to sprints, in the past tense."""

from dataclasses import dataclass
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class SprintCreated(Event):
    kind: ClassVar[str] = "sprint.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.name", "fields.goal")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SprintRevised(Event):
    """`fields` holds what changed, with the new values; the status is told by `sprint.moved`."""

    kind: ClassVar[str] = "sprint.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.name", "fields.goal")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SprintMoved(Event):
    kind: ClassVar[str] = "sprint.moved"
    before: str
    after: str
