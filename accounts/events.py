"""What happens to accounts, in the past tense; never a secret among the fields."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class AccountCreated(Event):
    kind: ClassVar[str] = "account.created"
    erasable: ClassVar[tuple[str, ...]] = ("email",)
    email: str
    account_kind: str
    role: str | None


@dataclass(frozen=True, kw_only=True)
class AccountRevised(Event):
    kind: ClassVar[str] = "account.revised"
    erasable: ClassVar[tuple[str, ...]] = ("fields.name",)
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    kind: ClassVar[str] = "token.issued"
    erasable: ClassVar[tuple[str, ...]] = ("account", "name")
    account: str
    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    kind: ClassVar[str] = "token.revoked"
    erasable: ClassVar[tuple[str, ...]] = ("account",)
    account: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class SessionOpened(Event):
    kind: ClassVar[str] = "session.opened"
    erasable: ClassVar[tuple[str, ...]] = ("account", "ip")
    account: str
    ip: str | None


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Event):
    kind: ClassVar[str] = "session.revoked"
    erasable: ClassVar[tuple[str, ...]] = ("account",)
    account: str


@dataclass(frozen=True, kw_only=True)
class SessionClosed(Event):
    kind: ClassVar[str] = "session.closed"
    erasable: ClassVar[tuple[str, ...]] = ("account",)
    account: str
