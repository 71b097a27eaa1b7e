"""The routes of agents; what they report and their briefing are served by missions, which know the tasks."""

from agents.api.health import health
from agents.api.views import AgentView
from coordinator.lib.routes import route

urlpatterns = [
    route("agents", AgentView, "agents", get="list", post="create"),
    route("agents/<str:key>", AgentView, "agent", get="retrieve", patch="partial_update"),
    *health,
]
