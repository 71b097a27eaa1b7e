"""The words in which history is told: a table, entry kind to tone and verb. Pure."""

LOUD = (
    "mission.created", "mission.moved", "mission.move_refused",
    "task.created", "task.moved", "task.move_refused",
    "approval.requested", "approval.granted", "approval.rejected", "approval.expired", "approval.overtaken",
    "advisory.opened", "advisory.acknowledged",
    "document.stored", "document.revised", "document.removed",
    "policy.created", "policy.revised", "sprint.created", "sprint.moved", "objective.created", "requirement.created",
    "github.synced",
)  # fmt: skip
"""Kinds that a person cares for and a feed shows; the trace log has the others too."""

LOUD_WHEN = (
    ("decision.made", '"outcome":"block","point":"agent_action"'),
    ("execution.ended", '"state":"failed"'),
    ("agent.status_changed", '"after":"error"'),
    ("agent.status_changed", '"after":"waiting"'),
    ("mission.process_changed", '"state":"crashed"'),
    ("mission.process_changed", '"detail":"taken over'),
)
"""Kinds that a feed shows only when the entry's canonical text holds these words: what was refused or went wrong."""

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
    "mission.move_held": ("waiting", "waits for approval of"),
    "mission.participant_joined": ("idle", "added a participant to"),
    "mission.participant_left": ("idle", "removed a participant from"),
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
    "execution.retried": ("waiting", "tries a run again of"),
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
    "approval.requested": ("waiting", "asks for approval:"),
    "approval.granted": ("done", "approved"),
    "approval.rejected": ("failed", "rejected"),
    "approval.expired": ("failed", "let the deadline pass of"),
    "approval.overtaken": ("idle", "found overtaken:"),
    "approval.used": ("done", "did what was approved:"),
    "waiver.requested": ("waiting", "asks that a policy does not bind, by waiver"),
    "waiver.granted": ("done", "granted waiver"),
    "waiver.revoked": ("failed", "revoked waiver"),
    "waiver.used": ("done", "used waiver"),
    "objective.created": ("idle", "set the objective"),
    "objective.updated": ("idle", "changed the objective"),
    "key_result.created": ("idle", "set the key result"),
    "key_result.updated": ("idle", "measured the key result"),
    "requirement.created": ("idle", "wrote the requirement"),
    "requirement.updated": ("idle", "changed the requirement"),
    "document.stored": ("idle", "stored the document"),
    "document.revised": ("idle", "revised the document"),
    "document.removed": ("idle", "removed the document"),
    "github.synced": ("done", "synced the issues of"),
    "trace.erased": ("idle", "erased texts from the record of"),
    "trace.archived": ("idle", "archived entries of"),
    "notification.created": ("idle", "asked to be told by"),
    "notification.revised": ("idle", "changed the notification"),
    "notification.secret_rotated": ("idle", "made a new secret for the notification"),
    "notification.tested": ("idle", "sent a test to the notification"),
    "notification.resent": ("idle", "sent again what went to the notification"),
    "notification.skipped": ("idle", "skipped what waited for the notification"),
    "notification.paused": ("idle", "paused the notification"),
    "notification.resumed": ("done", "resumed the notification"),
    "notification.removed": ("idle", "removed the notification"),
}

GAVE_UP = ("failed", "gave up sending and paused the notification")
"""How a pause reads that no person asked for: the receiver was dead for a day, or said that it is gone."""

MOVED = {
    "in_progress": "started",
    "blocked": "is blocked on",
    "pending_review": "asks for review of",
    "completed": "completed",
    "rejected": "rejected",
    "failed": "failed at",
    "pending": "requeued",
    "active": "started",
    "paused": "paused",
    "cancelled": "cancelled",
}
"""How a move of a task, mission or sprint reads, by the state after it."""

OUTCOMES = {
    "allow": ("done", "was allowed"),
    "warn": ("waiting", "was warned about"),
    "escalate": ("waiting", "needs a person's word for"),
    "block": ("blocked", "was refused"),
}
"""How a decision of the policies reads, by its outcome; the action follows."""

SPEAKING = {"waiting": ("needs an answer", "asks:"), "error": ("met an error", "met an error:")}
"""How an agent's change of status reads that has something to say: without its words, and before them."""

PROCESS = {
    "starting": ("idle", "asked for the process of"),
    "running": ("working", "started the process of"),
    "stopped": ("idle", "stopped the process of"),
    "crashed": ("failed", "reports a crash of the process of"),
}
"""How a change of a mission's process reads, by its state."""

PROCESS_DETAILS = {
    "taken over": ("waiting", "took over the process of"),
    "drains": ("idle", "stopped for a restart the process of"),
}
"""The same where the entry's detail tells more than the state."""
