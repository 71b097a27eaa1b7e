"""One entry as its readers get it. It is read once, and written once for each name by which it is followed."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from traceability import bodies
from traceability.topics import ACCESS, noun_of, scope_of_kind, topics_of

COLUMNS = (
    "id", "kind", "subject_type", "subject_id", "mission_id", "task_id", "agent_id", "recorded_at", "canonical", "body",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One entry, its topics (the most particular first) and the scope that it demands."""

    id: int
    kind: str
    topics: tuple[str, ...]
    scope: str
    at: datetime
    canonical: str
    body: str | None = None
    subject: tuple[str, int] | None = None
    """Whose access it may have changed: `("account", 7)`, `("token", 12)`, `("session", 3)`."""

    texts: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def frame(self, topic: str) -> dict[str, Any]:
        """The contract's frame: `{"id", "topic", "event", "at", "data"}`."""
        at = self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"id": self.id, "topic": topic, "event": self.kind, "at": at, "data": self.data}

    def text(self, topic: str) -> str:
        """The frame as JSON; all who follow it by this name share one text."""
        found = self.texts.get(topic)
        if found is None:
            found = self.texts[topic] = orjson.dumps(self.frame(topic)).decode()
        return found

    @cached_property
    def data(self) -> dict[str, Any]:
        """What happened, with the keys of what it is about; nothing when somebody rewrote the text by force."""
        try:
            read = bodies.read(self.canonical, self.body)
        except ValueError:
            return {}
        return {
            **read["data"],
            **{noun: ref["key"] for noun, ref in read["refs"].items()},
            "actor": read["actor"]["name"],
        }


def told(row: dict[str, Any]) -> Told:
    """The entry of a row with `COLUMNS`."""
    kind = row["kind"]
    topics = topics_of(kind, mission=row["mission_id"], task=row["task_id"], agent=row["agent_id"])
    subject = (row["subject_type"], row["subject_id"]) if noun_of(kind) in ACCESS else None
    return Told(
        row["id"], kind, topics, scope_of_kind(kind), row["recorded_at"], row["canonical"], row["body"], subject
    )
