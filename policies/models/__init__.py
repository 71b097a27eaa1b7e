from policies.models.approval import Approval
from policies.models.decision import Decision
from policies.models.policy import FIELDS, ActiveBundle, Policy, PolicyRevision, usual_content
from policies.models.waiver import Waiver, WaiverState

__all__ = [
    "FIELDS",
    "ActiveBundle",
    "Approval",
    "Decision",
    "Policy",
    "PolicyRevision",
    "Waiver",
    "WaiverState",
    "usual_content",
]
