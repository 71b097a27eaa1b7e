from coordinator.lib.routes import route
from traceability.api.erasing import ErasingView
from traceability.api.planning_urls import urlpatterns as planning
from traceability.api.trace import TraceView

urlpatterns = [
    route("trace", TraceView, "trace", get="list"),
    route("trace/verify", TraceView, "trace-verify", get="verify"),
    route("trace/checkpoint", TraceView, "trace-checkpoint", get="checkpoint"),
    route("trace/<str:key>/erase", ErasingView, "trace-erase", post="erase"),
    *planning,
]
