from coordinator.lib.routes import route
from traceability.api.exchange import TraceabilityView
from traceability.api.planning import KeyResultsOfObjective, KeyResultView, ObjectiveView, RequirementView

urlpatterns = [
    route("objectives", ObjectiveView, "objectives", get="list", post="create"),
    route("objectives/<str:key>", ObjectiveView, "objective", get="retrieve", patch="partial_update"),
    route("objectives/<str:objective>/key_results", KeyResultsOfObjective, "key-results", get="list", post="create"),
    route("key_results/<str:key>", KeyResultView, "key-result", get="retrieve", patch="partial_update"),
    route("requirements", RequirementView, "requirements", get="list", post="create"),
    route("requirements/<str:key>", RequirementView, "requirement", get="retrieve", patch="partial_update"),
    route("traceability", TraceabilityView, "traceability", get="retrieve"),
    route("traceability/export", TraceabilityView, "traceability-export", get="export"),
    route("traceability/import", TraceabilityView, "traceability-import", post="carry_in"),
]
