"""The routes of executions, advisories, GitHub and what agents report."""

from coordinator.lib.routes import route
from missions.api.activity import ActivityView
from missions.api.advisories import AdvisoryView
from missions.api.briefings import BriefingView
from missions.api.executions import ExecutionView, TaskExecutionsView
from missions.api.github import GitHubIssueView, SyncView, WebhookView
from missions.api.usage import UsageReportView

urlpatterns = [
    route("tasks/<str:key>/execute", TaskExecutionsView, "task-execute", post="execute"),
    route("tasks/<str:key>/executions", TaskExecutionsView, "task-executions", get="list"),
    route("executions/<str:key>", ExecutionView, "execution", get="retrieve"),
    route("executions/<str:key>/output", ExecutionView, "execution-output", get="output"),
    route("executions/<str:key>/cancel", ExecutionView, "execution-cancel", post="cancel"),
    route("advisories", AdvisoryView, "advisories", get="list"),
    route("advisories/<str:key>", AdvisoryView, "advisory", get="retrieve"),
    route("advisories/<str:key>/acknowledge", AdvisoryView, "advisory-acknowledge", post="acknowledge"),
    route("advisories/<str:key>/snooze", AdvisoryView, "advisory-snooze", post="snooze"),
    route("github/issues", GitHubIssueView, "github-issues", get="list"),
    route("github/issues/<path:key>", GitHubIssueView, "github-issue", get="retrieve"),
    route("github/sync", SyncView, "github-sync", post="sync"),
    route("github/webhook", WebhookView, "github-webhook", post="receive"),
    route("agents/<str:key>/activity", ActivityView, "agent-activity", get="list", post="report"),
    route("agents/<str:key>/briefing", BriefingView, "agent-briefing", get="brief"),
    route("usage", UsageReportView, "usage", get="summary", post="report"),
]
