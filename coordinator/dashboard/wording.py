"""The words in which history is told: a table, entry kind to tone and verb. Pure."""

QUIET = (
    "task.costed", "mission.costed", "task.updated", "task.released", "task.reported", "decision.made",
    "usage.recorded",
    "mission.updated", "task.reviewed", "approval.used", "agent.health_changed", "document.space_activated",
)  # fmt: skip
"""Kinds that would drown a feed; the trace log has them."""

OWN = {
    "task.reported", "task.claimed", "task.costed", "task.move_refused", "task.move_held", "usage.recorded",
    "agent.status_changed",
}  # fmt: skip
"""What an agent tells of its own work, whoever's token it used."""

OWN_MOVES = {"in_progress", "blocked", "pending_review", "failed"}

WORDS = {
    "mission.created": ("idle", "created"),
    "mission.updated": ("idle", "changed"),
    "mission.move_refused": ("blocked", "was refused by a policy on"),
    "mission.participant_joined": ("idle", "added a participant to"),
    "mission.participant_left": ("idle", "removed a participant from"),
    "mission.process_changed": ("idle", "moved the process of"),
    "mission.costed": ("idle", "spent on"),
    "task.created": ("idle", "created"),
    "task.updated": ("idle", "changed"),
    "task.reported": ("working", "reported on"),
    "task.move_refused": ("blocked", "was refused by a policy on"),
    "task.move_held": ("waiting", "waits for approval of"),
    "task.claimed": ("working", "claimed"),
    "task.released": ("idle", "let go of"),
    "task.costed": ("idle", "spent on"),
    "execution.queued": ("waiting", "queued a run of"),
    "execution.started": ("working", "started a run of"),
    "execution.ended": ("idle", "ended a run of"),
    "advisory.opened": ("waiting", "advises:"),
    "advisory.resolved": ("done", "withdrew its advice on"),
    "advisory.acknowledged": ("done", "acknowledged advice on"),
    "agent.created": ("idle", "registered"),
    "agent.updated": ("idle", "changed"),
    "agent.health_changed": ("idle", "found a change in the health of"),
    "usage.recorded": ("idle", "reported tokens for"),
    "sprint.created": ("idle", "planned"),
    "sprint.updated": ("idle", "changed"),
    "policy.created": ("idle", "made the policy"),
    "policy.revised": ("idle", "revised the policy"),
    "decision.made": ("idle", "asked the policies about"),
    "approval.requested": ("waiting", "asks for approval:"),
    "approval.granted": ("done", "approved"),
    "approval.rejected": ("failed", "rejected"),
    "approval.expired": ("failed", "let the deadline pass of"),
    "approval.overtaken": ("idle", "found overtaken:"),
    "approval.used": ("done", "did what was approved:"),
    "objective.created": ("idle", "set the objective"),
    "objective.updated": ("idle", "changed the objective"),
    "key_result.created": ("idle", "set the key result"),
    "key_result.updated": ("idle", "measured the key result"),
    "requirement.created": ("idle", "wrote the requirement"),
    "requirement.updated": ("idle", "changed the requirement"),
    "document.stored": ("idle", "stored"),
    "document.revised": ("idle", "revised"),
    "document.removed": ("idle", "removed"),
    "github.synced": ("done", "synced the issues of"),
}

MOVED = {
    "in_progress": "started",
    "blocked": "is blocked on",
    "pending_review": "asks for review of",
    "completed": "completed",
    "rejected": "sent back",
    "failed": "failed at",
    "pending": "put back",
    "active": "started",
    "paused": "paused",
    "cancelled": "cancelled",
}
"""How a move of a task, mission or sprint reads, by the state after it."""

OUTCOMES = {"allow": "done", "warn": "waiting", "escalate": "waiting", "block": "blocked"}
