"""Whom and what an action is about, as plain values: policies know no table above them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coordinator.lib.refs import Ref

NOUNS = ("mission", "task", "agent", "sprint")


@dataclass(frozen=True, kw_only=True)
class Subjects:
    """`capabilities` are the agent's and those that the task requires; `facts` are put beside the action's own."""

    mission: Ref | None = None
    task: Ref | None = None
    agent: Ref | None = None
    sprint: Ref | None = None
    agent_type: str = ""
    capabilities: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As a decision keeps them."""
        named = {noun: {"id": ref.id, "key": ref.key} for noun in NOUNS if (ref := getattr(self, noun)) is not None}
        return {**named, "agent_type": self.agent_type, "capabilities": sorted(self.capabilities)}

    @classmethod
    def of_data(cls, data: Mapping[str, Any], facts: Mapping[str, Any]) -> "Subjects":
        """The same again, from what a decision kept."""
        refs = {noun: Ref(**data[noun]) for noun in NOUNS if noun in data}
        return cls(
            **refs, agent_type=data.get("agent_type", ""), capabilities=tuple(data.get("capabilities", ())), facts=facts
        )
