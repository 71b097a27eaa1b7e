"""The words of policies: states, modes and outcomes, and which outcome is the strictest.

Pure: no database, no clock, no settings.
"""

from collections.abc import Iterable
from enum import StrEnum


class Word(StrEnum):
    """One of a closed list of words."""

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """As forms and fields take them: the word and how it reads."""
        return [(str(each), each.capitalize()) for each in cls]

    @classmethod
    def words(cls) -> list[str]:
        return [str(each) for each in cls]


class PolicyStatus(Word):
    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class Mode(Word):
    """An audit policy is judged and recorded, and never binds."""

    ENFORCE = "enforce"
    AUDIT = "audit"


class OnError(Word):
    """What a policy that cannot be judged does: its own outcome (closed), or nothing but a record (open)."""

    CLOSED = "closed"
    OPEN = "open"


class Outcome(Word):
    ALLOW = "allow"
    WARN = "warn"
    ESCALATE = "escalate"
    BLOCK = "block"


class ApprovalState(Word):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    OVERTAKEN = "overtaken"


STRICTNESS = {Outcome.ALLOW: 0, Outcome.WARN: 1, Outcome.ESCALATE: 2, Outcome.BLOCK: 3}


def strictest(outcomes: Iterable[Outcome]) -> Outcome:
    """The strictest of them; `allow` when there is none."""
    return max(outcomes, key=STRICTNESS.__getitem__, default=Outcome.ALLOW)
