"""The pages' addresses, and what is done on them."""

from django.urls import path
from django.views.generic import RedirectView

from coordinator.dashboard import acts, needs, notices, plain
from coordinator.dashboard.doors import site
from coordinator.dashboard.views import governed, planned, working

app_name = "pages"
site().badges = needs.badges

urlpatterns = [
    path("", working.show_overview, name="overview"),
    path("missions", working.list_missions, name="missions"),
    path("missions/<str:key>", working.show_mission, name="mission"),
    path("missions/<str:key>/do/<str:verb>", acts.acts(acts.ON_MISSION), name="act-mission"),
    path("tasks", working.list_tasks, name="tasks"),
    path("tasks/<str:key>", working.show_task, name="task"),
    path("tasks/<str:key>/do/<str:verb>", acts.acts(acts.ON_TASK), name="act-task"),
    path("approvals", governed.list_approvals, name="approvals"),
    path("approvals/<str:key>/do/<str:verb>", acts.acts(acts.ON_APPROVAL), name="act-approval"),
    path("advisories/<str:key>/do/<str:verb>", acts.acts(acts.ON_ADVISORY), name="act-advisory"),
    path("agents", working.list_agents, name="agents"),
    path("agents/<str:key>", working.show_agent, name="agent"),
    path("sprints", planned.list_sprints, name="sprints"),
    path("sprints/<str:key>", planned.show_sprint, name="sprint"),
    path("objectives", planned.list_objectives, name="objectives"),
    path("requirements", planned.list_requirements, name="requirements"),
    path("requirements/<str:key>", planned.show_requirement, name="requirement"),
    path("traceability", planned.show_traceability, name="traceability"),
    path("policies", governed.list_policies, name="policies"),
    path("policies/<str:key>", governed.show_policy, name="policy"),
    path("decisions", governed.list_decisions, name="decisions"),
    path("knowledge", governed.search_knowledge, name="knowledge"),
    path("knowledge/<str:key>", governed.show_document, name="document"),
    path("trace", governed.show_trace, name="trace"),
    path("usage", governed.show_usage, name="usage"),
    path("operations", governed.show_operations, name="operations"),
    path("notifications", governed.show_notifications, name="notifications"),
    path("notifications/<str:key>/do/<str:verb>", acts.acts(notices.ON_PLACE), name="act-notification"),
    path("deliveries/<str:key>/do/<str:verb>", acts.acts(notices.ON_DELIVERY), name="act-delivery"),
    path("records", plain.records, name="records"),
    path("robots.txt", plain.robots, name="robots"),
    path("favicon.ico", RedirectView.as_view(url="/static/coordinator/favicon.svg", permanent=False), name="favicon"),
]
