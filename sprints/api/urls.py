from coordinator.lib.routes import route
from sprints.api.views import SprintView, VelocityView

urlpatterns = [
    route("sprints", SprintView, "sprints", get="list", post="create"),
    route("sprints/velocity", VelocityView, "sprint-velocity", get="retrieve"),
    route("sprints/<str:key>", SprintView, "sprint", get="retrieve", patch="partial_update"),
    route("sprints/<str:key>/start", SprintView, "sprint-start", post="start"),
    route("sprints/<str:key>/complete", SprintView, "sprint-complete", post="complete"),
    route("sprints/<str:key>/burndown", SprintView, "sprint-burndown", get="burndown"),
]
