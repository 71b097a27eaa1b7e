"""What happened to documents. The text itself stays out of the ledger; its SHA-256 proves which text it was."""

from dataclasses import dataclass
from typing import ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class DocumentStored(Event):
    kind: ClassVar[str] = "document.stored"
    erasable: ClassVar[tuple[str, ...]] = ("title",)

    title: str
    document_kind: str
    tags: list[str]
    sha256: str
    passages: int


@dataclass(frozen=True, kw_only=True)
class DocumentRevised(Event):
    kind: ClassVar[str] = "document.revised"
    erasable: ClassVar[tuple[str, ...]] = ("title",)

    title: str
    changed: list[str]
    sha256: str
    version: int


@dataclass(frozen=True, kw_only=True)
class DocumentRemoved(Event):
    kind: ClassVar[str] = "document.removed"
    erasable: ClassVar[tuple[str, ...]] = ("title",)

    title: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SpaceActivated(Event):
    """Searches by meaning use another model's vectors from now on."""

    kind: ClassVar[str] = "document.space_activated"

    provider: str
    model: str
    dimensions: int
