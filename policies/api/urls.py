from coordinator.lib.routes import route
from policies.api.approvals import ApprovalView, DecisionView
from policies.api.evaluating import EvaluateView
from policies.api.policies import PolicyView, RevisionsView, SimulateView
from policies.api.waivers import PolicyWaiverView, WaiverView

urlpatterns = [
    route("policies", PolicyView, "policies", get="list", post="create"),
    route("policies/evaluate", EvaluateView, "policies-evaluate", post="evaluate"),
    route("policies/simulate", SimulateView, "policies-simulate", post="draft"),
    route("policies/<str:key>", PolicyView, "policy", get="retrieve", patch="partial_update"),
    route("policies/<str:key>/activate", PolicyView, "policy-activate", post="activate"),
    route("policies/<str:key>/revisions", RevisionsView, "policy-revisions", get="list"),
    route("policies/<str:key>/simulate", SimulateView, "policy-simulate", post="stored"),
    route("policies/<str:key>/waivers", PolicyWaiverView, "policy-waivers", get="list", post="create"),
    route("waivers", WaiverView, "waivers", get="list"),
    route("waivers/<str:key>", WaiverView, "waiver", get="retrieve"),
    route("waivers/<str:key>/grant", WaiverView, "waiver-grant", post="grant"),
    route("waivers/<str:key>/revoke", WaiverView, "waiver-revoke", post="revoke"),
    route("decisions", DecisionView, "decisions", get="list"),
    route("decisions/<str:key>", DecisionView, "decision", get="retrieve"),
    route("approvals", ApprovalView, "approvals", get="list"),
    route("approvals/<str:key>", ApprovalView, "approval", get="retrieve"),
    route("approvals/<str:key>/approve", ApprovalView, "approval-approve", post="approve"),
    route("approvals/<str:key>/reject", ApprovalView, "approval-reject", post="reject"),
]
