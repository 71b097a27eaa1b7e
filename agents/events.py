"""What happens to agents, in the past tense. Heartbeats and events that change no status are presence, not history."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class AgentRegistered(Event):
    """`by_report`: it was unknown, and its first report registered it."""

    kind: ClassVar[str] = "agent.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.name",)
    fields: dict[str, Any]
    by_report: bool = False


@dataclass(frozen=True, kw_only=True)
class AgentRevised(Event):
    kind: ClassVar[str] = "agent.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.name",)
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AgentStatusChanged(Event):
    """`because` is the event that the agent reported, `silence`, or `revision` by a person."""

    kind: ClassVar[str] = "agent.status_changed"
    erasable: ClassVar[tuple[str, ...]] = ("reason",)
    before: str
    after: str
    because: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class UsageRecorded(Event):
    """Use that belongs to no mission; the use of missions and tasks is told by their cost."""

    kind: ClassVar[str] = "usage.recorded"
    reports: int
    tokens: int
    cost_usd: Decimal | None
