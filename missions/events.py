"""What happens to missions and tasks, in the past tense. Replay folds these; never change a field's meaning."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from traceability.events import Event


@dataclass(frozen=True, kw_only=True)
class MissionCreated(Event):
    kind: ClassVar[str] = "mission.created"
    erasable: ClassVar[tuple[str, ...]] = ("fields.goal", "fields.description")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MissionRevised(Event):
    kind: ClassVar[str] = "mission.updated"
    erasable: ClassVar[tuple[str, ...]] = ("fields.goal", "fields.description")
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MissionMoved(Event):
    kind: ClassVar[str] = "mission.moved"
    before: str
    after: str
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MissionMoveRefused(Event):
    kind: ClassVar[str] = "mission.move_refused"
    before: str
    after: str
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MissionMoveHeld(Event):
    """A policy escalated the move; it waits for the approval."""

    kind: ClassVar[str] = "mission.move_held"
    before: str
    after: str
    approval: int
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ParticipantJoined(Event):
    kind: ClassVar[str] = "mission.participant_joined"
    participant: str
    participant_kind: str
    role: str


@dataclass(frozen=True, kw_only=True)
class ParticipantLeft(Event):
    kind: ClassVar[str] = "mission.participant_left"
    participant: str
    participant_kind: str


@dataclass(frozen=True, kw_only=True)
class ProcessChanged(Event):
    kind: ClassVar[str] = "mission.process_changed"
    erasable: ClassVar[tuple[str, ...]] = ("detail",)
    state: str
    host: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskCreated(Event):
    kind: ClassVar[str] = "task.created"
    erasable: ClassVar[tuple[str, ...]] = (
        "fields.objective",
        "fields.description",
        "fields.acceptance_criteria",
        "fields.outputs.*",
    )
    fields: dict[str, Any]
    depends_on: list[str] = field(default_factory=list)
    requirements: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TaskRevised(Event):
    """`fields` holds what changed; `depends_on` and `requirements` are whole lists, or None when they stayed."""

    kind: ClassVar[str] = "task.updated"
    erasable: ClassVar[tuple[str, ...]] = (
        "fields.objective",
        "fields.description",
        "fields.acceptance_criteria",
        "fields.outputs.*",
    )
    fields: dict[str, Any]
    depends_on: list[str] | None = None
    requirements: list[dict[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class TaskReported(Event):
    """`logs` counts the report's log lines; `logs_sha256` is the digest of their canonical JSON, empty without."""

    kind: ClassVar[str] = "task.reported"
    erasable: ClassVar[tuple[str, ...]] = ("outputs.*",)
    report: int
    percent: int | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    logs: int = 0
    logs_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskMoved(Event):
    kind: ClassVar[str] = "task.moved"
    erasable: ClassVar[tuple[str, ...]] = ("reason",)
    before: str
    after: str
    reason: str = ""
    attempts: int = 0
    percent: int = 0
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TaskMoveRefused(Event):
    """A policy blocked the move; the task stayed as it was."""

    kind: ClassVar[str] = "task.move_refused"
    before: str
    after: str
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TaskMoveHeld(Event):
    """A policy escalated the move; it waits for the approval."""

    kind: ClassVar[str] = "task.move_held"
    before: str
    after: str
    approval: int
    decisions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TaskReviewed(Event):
    """`reviewer` gave the verdict; the actor is who let it take effect: the same, or who released the held move."""

    kind: ClassVar[str] = "task.reviewed"
    erasable: ClassVar[tuple[str, ...]] = ("comment",)
    approved: bool
    comment: str = ""
    reviewer: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskClaimed(Event):
    kind: ClassVar[str] = "task.claimed"
    fence: int
    lease_until: datetime


@dataclass(frozen=True, kw_only=True)
class TaskReleased(Event):
    kind: ClassVar[str] = "task.released"
    erasable: ClassVar[tuple[str, ...]] = ("reason",)
    fence: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskCosted(Event):
    """Cost was added to a task, and to its mission."""

    kind: ClassVar[str] = "task.costed"
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class MissionCosted(Event):
    """Cost was added to a mission that no task of it accounts for."""

    kind: ClassVar[str] = "mission.costed"
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True)
class ExecutionQueued(Event):
    kind: ClassVar[str] = "execution.queued"
    execution: int
    adapter: str


@dataclass(frozen=True, kw_only=True)
class ExecutionStarted(Event):
    kind: ClassVar[str] = "execution.started"
    execution: int
    adapter: str
    attempt: int
    host: str


@dataclass(frozen=True, kw_only=True)
class ExecutionRetried(Event):
    """An attempt failed, and there will be another; `cost_usd` is that of all attempts so far."""

    kind: ClassVar[str] = "execution.retried"
    erasable: ClassVar[tuple[str, ...]] = ("detail",)
    execution: int
    attempt: int
    failure: str
    detail: str
    run_after: datetime
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class ExecutionEnded(Event):
    kind: ClassVar[str] = "execution.ended"
    erasable: ClassVar[tuple[str, ...]] = ("detail",)
    execution: int
    state: str
    failure: str = ""
    detail: str = ""
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class AdvisoryOpened(Event):
    """`snoozed_until` is set when the same cause was put off before, and it comes back meanwhile."""

    kind: ClassVar[str] = "advisory.opened"
    erasable: ClassVar[tuple[str, ...]] = ("message",)
    advisory: int
    cause: str
    about: str
    severity: str
    message: str
    snoozed_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AdvisoryResolved(Event):
    kind: ClassVar[str] = "advisory.resolved"
    advisory: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class AdvisoryAcknowledged(Event):
    kind: ClassVar[str] = "advisory.acknowledged"
    advisory: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class AdvisorySnoozed(Event):
    """It was put off until then; without `until` it was taken up again."""

    kind: ClassVar[str] = "advisory.snoozed"
    advisory: int
    cause: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class IssuesSynced(Event):
    kind: ClassVar[str] = "github.synced"
    repository: str
    seen: int
    created: int
    changed: int
