"""What an event is: a frozen fact in the past tense, told by a service, written by the ledger."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from coordinator.lib.refs import Ref, Subject

__all__ = ["ORGANISATION", "SYSTEM", "Actor", "Event", "Ref", "Subject", "kinds"]

ORGANISATION = "org"
SHARED = {"mission", "task", "agent", "subject"}


@dataclass(frozen=True)
class Actor:
    """Who did it: a person, an agent's service account, or the system itself.

    `on_behalf_of` names the agent for whom a person's token reported; `request_id` is the HTTP request's.
    """

    kind: Literal["person", "agent", "system"]
    id: int | None
    name: str
    on_behalf_of: str | None = None
    request_id: str | None = None


SYSTEM = Actor("system", None, "coordinator")


@dataclass(frozen=True, kw_only=True)
class Event:
    """The base of every event. Subclasses add their own fields, which become the entry's data.

    `kind` is `noun.past_verb`; `schema` grows when the fields' meaning changes, so that replay can tell. `erasable`
    names, by dotted paths, the data that stands beside the chain, so that it can be erased lawfully.
    """

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
    erasable: ClassVar[tuple[str, ...]] = ()

    mission: Ref | None = None
    task: Ref | None = None
    agent: Ref | None = None
    subject: Subject | None = None

    @property
    def stream(self) -> str:
        """The chain it belongs to: its mission's, else its agent's, else the organisation's."""
        if self.mission:
            return f"mission:{self.mission.id}"
        return f"agent:{self.agent.id}" if self.agent else ORGANISATION

    @property
    def data(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in SHARED}


@dataclass(frozen=True, kw_only=True)
class TextsErased(Event):
    """Texts of an entry were erased: by law, or because a secret stood in them. The entry itself stays as it was."""

    kind: ClassVar[str] = "trace.erased"
    entry: int
    of_stream: str
    seq: int
    paths: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class EntriesArchived(Event):
    """Entries of a stream, up to `last_seq`, were moved to a file whose digest is `sha256`.

    `named` are the ids of what readers of other things look for in them, by noun.
    """

    kind: ClassVar[str] = "trace.archived"
    of_stream: str
    first_seq: int
    last_seq: int
    last_hash: str
    sha256: str
    named: dict[str, list[int]] = field(default_factory=dict)


def kinds() -> frozenset[str]:
    """The kind of every event that the code knows."""
    known, left = set(), Event.__subclasses__()
    while left:
        each = left.pop()
        left += each.__subclasses__()
        known.add(getattr(each, "kind", ""))
    return frozenset(known - {""})
