from policies.models.approval import Approval
from policies.models.decision import Decision
from policies.models.policy import FIELDS, ActiveBundle, Policy, PolicyRevision

__all__ = ["FIELDS", "ActiveBundle", "Approval", "Decision", "Policy", "PolicyRevision"]
