"""How one room names a row of another without knowing its table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ref:
    """A row's integer id and public key."""

    id: int
    key: str


@dataclass(frozen=True)
class Subject:
    """A row of any kind: its type (for instance `policy`), integer id and public key."""

    type: str
    id: int
    key: str
