"""The words of policies: states, modes and outcomes, and which outcome is the strictest.

Pure: no database, no clock, no settings.
"""

from collections.abc import Iterable

from django.db import models


class PolicyStatus(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class Mode(models.TextChoices):
    """An audit policy is judged and recorded, and never binds."""

    ENFORCE = "enforce"
    AUDIT = "audit"


class OnError(models.TextChoices):
    """What a policy that cannot be judged does: its own outcome (closed), or nothing but a record (open)."""

    CLOSED = "closed"
    OPEN = "open"


class Outcome(models.TextChoices):
    ALLOW = "allow"
    WARN = "warn"
    ESCALATE = "escalate"
    BLOCK = "block"


class ApprovalState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    OVERTAKEN = "overtaken"


STRICTNESS = {Outcome.ALLOW: 0, Outcome.WARN: 1, Outcome.ESCALATE: 2, Outcome.BLOCK: 3}


def strictest(outcomes: Iterable[Outcome]) -> Outcome:
    """The strictest of them; `allow` when there is none."""
    return max(outcomes, key=STRICTNESS.__getitem__, default=Outcome.ALLOW)
