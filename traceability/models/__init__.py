from traceability.models.checkpoint import Checkpoint
from traceability.models.entry import Archive, Entry, Installation, StreamHead
from traceability.models.objective import KeyResult, Objective, ObjectiveStatus
from traceability.models.requirement import Requirement, RequirementStatus

__all__ = [
    "Archive",
    "Checkpoint",
    "Entry",
    "Installation",
    "KeyResult",
    "Objective",
    "ObjectiveStatus",
    "Requirement",
    "RequirementStatus",
    "StreamHead",
]
