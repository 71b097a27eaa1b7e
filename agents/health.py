"""How an agent is: its status by what it reported, its light by when it was heard. Pure."""

from datetime import datetime, timedelta

from django.db import models


class AgentStatus(models.TextChoices):
    IDLE = "idle"
    WORKING = "working"
    WAITING = "waiting"
    BLOCKED = "blocked"
    ERROR = "error"
    OFFLINE = "offline"


class HealthState(models.TextChoices):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class ActivityEvent(models.TextChoices):
    SESSION_START = "session_start"
    TASK_START = "task_start"
    TASK_COMPLETE = "task_complete"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    ERROR = "error"
    STOP = "stop"
    WAITING_FOR_INPUT = "waiting_for_input"
    HEARTBEAT = "heartbeat"


STATUS_AFTER: dict[ActivityEvent, AgentStatus] = {
    ActivityEvent.SESSION_START: AgentStatus.IDLE,
    ActivityEvent.TASK_START: AgentStatus.WORKING,
    ActivityEvent.TASK_COMPLETE: AgentStatus.IDLE,
    ActivityEvent.BLOCKED: AgentStatus.BLOCKED,
    ActivityEvent.COMPLETED: AgentStatus.IDLE,
    ActivityEvent.ERROR: AgentStatus.ERROR,
    ActivityEvent.STOP: AgentStatus.OFFLINE,
    ActivityEvent.WAITING_FOR_INPUT: AgentStatus.WAITING,
}
"""A heartbeat keeps the status, except that it brings an offline agent back to idle."""


BEGINS_TASK = {ActivityEvent.TASK_START}
ENDS_TASK = {ActivityEvent.SESSION_START, ActivityEvent.TASK_COMPLETE, ActivityEvent.COMPLETED, ActivityEvent.STOP}
"""After the first an agent is at the task that it names, after the second at none; the others keep what was."""

SILENCE_ENDS = (AgentStatus.IDLE, AgentStatus.WORKING)
"""Who is silent in these is taken for offline; waiting, blocked and error say themselves why nothing more is heard."""


def status_after(present: AgentStatus, event: ActivityEvent) -> AgentStatus:
    """The status after an event."""
    if event == ActivityEvent.HEARTBEAT:
        return AgentStatus.IDLE if present == AgentStatus.OFFLINE else present
    return STATUS_AFTER[event]


def is_at_task(event: ActivityEvent, *, named: bool) -> bool | None:
    """Whether the agent is at the named task after the event; None: at the one where it was."""
    if event in ENDS_TASK:
        return False
    return True if event in BEGINS_TASK or named else None


def is_silent(last_seen_at: datetime | None, now: datetime, *, after_s: int) -> bool:
    """Whether an agent that was heard before has said nothing for `after_s` seconds."""
    return last_seen_at is not None and now - last_seen_at > timedelta(seconds=after_s)
