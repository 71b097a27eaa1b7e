"""What the checks of agents find, in the past tense; only a change is history."""

from dataclasses import dataclass
from typing import ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class AgentHealthChanged(Event):
    kind: ClassVar[str] = "agent.health_changed"
    erasable: ClassVar[tuple[str, ...]] = ("reason",)
    before: str
    after: str
    reason: str = ""
