"""What happens to the places that somebody is told at, in the past tense; never a whole address, never a secret."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class EndpointCreated(Event):
    kind: ClassVar[str] = "notification.created"
    account: str
    channel: str
    address: str
    topics: list[str]


@dataclass(frozen=True, kw_only=True)
class EndpointRevised(Event):
    kind: ClassVar[str] = "notification.revised"
    account: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EndpointRemoved(Event):
    kind: ClassVar[str] = "notification.removed"
    account: str
    unsent: int


@dataclass(frozen=True, kw_only=True)
class EndpointPaused(Event):
    """By its owner or an admin, or `automatic`: its receiver was dead for a day, or said that it is gone."""

    kind: ClassVar[str] = "notification.paused"
    account: str
    automatic: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class EndpointResumed(Event):
    kind: ClassVar[str] = "notification.resumed"
    account: str


@dataclass(frozen=True, kw_only=True)
class SecretRotated(Event):
    kind: ClassVar[str] = "notification.secret_rotated"
    account: str
    secret_version: int


@dataclass(frozen=True, kw_only=True)
class EndpointTested(Event):
    kind: ClassVar[str] = "notification.tested"
    account: str
    delivery: int


@dataclass(frozen=True, kw_only=True)
class DeliveryResent(Event):
    """A delivery was put back among those that wait."""

    kind: ClassVar[str] = "notification.resent"
    account: str
    delivery: int
    entry: int | None


@dataclass(frozen=True, kw_only=True)
class DeliverySkipped(Event):
    """A delivery that waited will not be sent, so that those after it can be."""

    kind: ClassVar[str] = "notification.skipped"
    account: str
    delivery: int
    entry: int | None
