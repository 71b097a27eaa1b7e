from coordinator.lib.routes import route
from missions.api.contexts import AdviceView
from missions.api.missions import AgentsOfMission, MembersOfMission, MissionView
from missions.api.outward_urls import urlpatterns as outward
from missions.api.replays import ReplayView
from missions.api.reports import ReportsOfTask
from missions.api.tasks import ClaimView, TasksOfMission, TaskView

urlpatterns = [
    route("missions", MissionView, "missions", get="list", post="create"),
    route("missions/<str:key>", MissionView, "mission", get="retrieve", patch="partial_update"),
    route("missions/<str:key>/start", MissionView, "mission-start", post="start"),
    route("missions/<str:key>/pause", MissionView, "mission-pause", post="pause"),
    route("missions/<str:key>/complete", MissionView, "mission-complete", post="complete"),
    route("missions/<str:key>/cancel", MissionView, "mission-cancel", post="cancel"),
    route("missions/<str:key>/restart", MissionView, "mission-restart", post="restart"),
    route("missions/<str:mission>/tasks", TasksOfMission, "mission-tasks", get="list", post="create"),
    route("missions/<str:mission>/agents", AgentsOfMission, "mission-agents", get="list", post="create"),
    route("missions/<str:mission>/agents/<str:key>", AgentsOfMission, "mission-agent", delete="destroy"),
    route("missions/<str:mission>/members", MembersOfMission, "mission-members", get="list", post="create"),
    route("missions/<str:mission>/members/<str:key>", MembersOfMission, "mission-member", delete="destroy"),
    route("missions/<str:key>/replay", ReplayView, "mission-replay", post="replay"),
    route("missions/<str:key>/trace", ReplayView, "mission-trace", get="trace"),
    route("missions/<str:key>/trace/verify", ReplayView, "mission-trace-verify", get="verify"),
    route("tasks", TaskView, "tasks", get="list"),
    route("tasks/<str:key>", TaskView, "task", get="retrieve", patch="partial_update"),
    route("tasks/<str:key>/report", TaskView, "task-report", post="report"),
    route("tasks/<str:key>/reports", ReportsOfTask, "task-reports", get="list"),
    route("tasks/<str:key>/approve", TaskView, "task-approve", post="approve"),
    route("tasks/<str:key>/reject", TaskView, "task-reject", post="reject"),
    route("tasks/<str:key>/claim", ClaimView, "task-claim", post="claim"),
    route("tasks/<str:key>/renew", ClaimView, "task-renew", post="renew"),
    route("tasks/<str:key>/release", ClaimView, "task-release", post="release"),
    route("tasks/<str:key>/context", AdviceView, "task-context", get="context"),
    route("tasks/<str:key>/candidates", AdviceView, "task-candidates", get="candidates"),
    *outward,
]
