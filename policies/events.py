"""What happens to policies, decisions and approvals, in the past tense."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class PolicyCreated(Event):
    kind: ClassVar[str] = "policy.created"
    revision: int
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicyRevised(Event):
    """`fields` are those that changed, with their new values."""

    kind: ClassVar[str] = "policy.revised"
    erasable: ClassVar[tuple[str, ...]] = ("change_note",)
    revision: int
    fields: dict[str, Any]
    change_note: str = ""


@dataclass(frozen=True, kw_only=True)
class DecisionMade(Event):
    kind: ClassVar[str] = "decision.made"
    decision: int
    point: str
    action_type: str
    outcome: str
    policies: list[dict[str, Any]]
    input_hash: str
    bundle_hash: str
    approval: int | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalRequested(Event):
    kind: ClassVar[str] = "approval.requested"
    erasable: ClassVar[tuple[str, ...]] = ("summary", "reason")
    approval: int
    summary: str
    reason: str
    digest: str
    expires_at: datetime
    policies: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ApprovalGranted(Event):
    kind: ClassVar[str] = "approval.granted"
    erasable: ClassVar[tuple[str, ...]] = ("summary", "comment")
    approval: int
    summary: str
    comment: str
    released: bool


@dataclass(frozen=True, kw_only=True)
class ApprovalRejected(Event):
    kind: ClassVar[str] = "approval.rejected"
    erasable: ClassVar[tuple[str, ...]] = ("summary", "comment")
    approval: int
    summary: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class ApprovalExpired(Event):
    """The deadline passed with no word; it counts as rejected."""

    kind: ClassVar[str] = "approval.expired"
    erasable: ClassVar[tuple[str, ...]] = ("summary",)
    approval: int
    summary: str


@dataclass(frozen=True, kw_only=True)
class ApprovalOvertaken(Event):
    """A person approved, but what was held no longer fits; nothing was done."""

    kind: ClassVar[str] = "approval.overtaken"
    erasable: ClassVar[tuple[str, ...]] = ("summary", "reason")
    approval: int
    summary: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ApprovalUsed(Event):
    """The approved action was asked about again and let through, this once."""

    kind: ClassVar[str] = "approval.used"
    erasable: ClassVar[tuple[str, ...]] = ("summary",)
    approval: int
    summary: str


@dataclass(frozen=True, kw_only=True)
class WaiverRequested(Event):
    """Told of the organisation, like the policy that it weakens. `covers` are the keys that it names."""

    kind: ClassVar[str] = "waiver.requested"
    erasable: ClassVar[tuple[str, ...]] = ("reason",)
    policy_id: str
    covers: dict[str, str]
    reason: str
    uses: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class WaiverGranted(Event):
    kind: ClassVar[str] = "waiver.granted"
    policy_id: str
    covers: dict[str, str]
    requester: str


@dataclass(frozen=True, kw_only=True)
class WaiverRevoked(Event):
    """It ends before its time, or was never granted."""

    kind: ClassVar[str] = "waiver.revoked"
    policy_id: str
    covers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class WaiverUsed(Event):
    """A decision in which the policy matched and did not bind. `would_have` is what it would have been."""

    kind: ClassVar[str] = "waiver.used"
    policy_id: str
    covers: dict[str, str]
    action_type: str
    would_have: str
    uses_left: int
