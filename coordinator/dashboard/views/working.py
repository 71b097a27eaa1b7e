"""Pages of the work: overview, missions, tasks, agents."""

from functools import partial

from django.http import HttpRequest
from django.utils import timezone

from coordinator.dashboard import agents, lens, missions, overview, tasks
from coordinator.dashboard.asking import asked, known, scopes_of
from coordinator.dashboard.doors import page
from coordinator.dashboard.live import Page, Reader
from coordinator.dashboard.replays import Past


@page("missions:read")
def show_overview(request: HttpRequest) -> Page:
    now = timezone.now()
    today = timezone.localtime(now).date()
    scope = lens.through(asked(request, "scope")["scope"], request.user, today)
    regions = {
        "tiles": partial(overview.tiles, scope, now),
        "needs": partial(overview.waiting, scope),
        "burnup": partial(overview.burnup, scope, today),
        "feed": partial(overview.feed, scopes_of(request), now),
        "agents": partial(overview.agents, scope, now),
        "missions": partial(overview.missions, scope),
    }
    private = frozenset(regions) if scope.private else frozenset()
    return Page("pages/overview.html", "Overview", regions, {"scope": scope}, private)


@page("missions:read")
def list_missions(request: HttpRequest) -> Page:
    filters = asked(request, "status", "q", "owner", "stuck")
    regions = {"list": partial(missions.index, filters, request.user.pk or 0)}
    private = frozenset(regions) if filters["owner"] else frozenset()
    return Page("pages/missions.html", "Missions", regions, {"filters": filters}, private)


@page("missions:read")
def show_mission(request: HttpRequest, key: str) -> Page:
    now, facts = timezone.now(), missions.headline(key)
    row, window = facts["mission"], asked(request, "window")["window"]
    tab = next((name for name, _ in missions.TABS if name == request.GET.get("tab")), "board")
    window = window if window in missions.WINDOWS else "day"
    readers: dict[str, Reader] = {
        "board": partial(missions.board, row.pk),
        "timeline": partial(missions.timeline, row, window, scopes_of(request), now),
        "cost": partial(missions.cost, row, now),
        "people": partial(missions.people, row.pk),
        "requirements": partial(missions.requirements, row.pk),
        "trace": partial(missions.trace, row, scopes_of(request)),
    }
    shown = {
        "tab": tab,
        "tabs": missions.TABS,
        "window": window,
        "windows": missions.WINDOWS,
        "topic": f"mission:{row.pk}",
        "mission_key": row.key,
        "mission_id": row.pk,
    }
    head = {"head": known(facts)}
    if tab == "replay":
        past = Past(row, asked(request, "at", "seq", "with", "with_seq"), scopes_of(request))
        regions = {**head, "slider": past.slider, "chart": past.chart, "tab": past.board}
        return Page("pages/mission.html", row.goal, regions, shown)
    return Page("pages/mission.html", row.goal, {**head, "tab": readers[tab]}, shown)


@page("tasks:read")
def list_tasks(request: HttpRequest) -> Page:
    filters = asked(request, "status", "q", "ready")
    return Page("pages/tasks.html", "Tasks", {"list": partial(tasks.index, filters)}, {"filters": filters})


@page("tasks:read")
def show_task(request: HttpRequest, key: str) -> Page:
    facts = tasks.headline(key)
    row = facts["task"]
    regions: dict[str, Reader] = {
        "head": known(facts),
        "aim": known(facts),
        "path": partial(tasks.path, row),
        "outputs": lambda: {"outputs": tasks.outputs(row)},
        "log": partial(tasks.log, row.pk),
        "reviews": partial(tasks.reviews, row.pk),
        "runs": partial(tasks.runs, row.pk),
        "cost": partial(tasks.cost, row.pk),
        "trace": partial(tasks.trace, row, scopes_of(request)),
    }
    shown = {"topic": f"task:{row.pk}", "task_key": row.key}
    stamps = {"runs": partial(tasks.runs_stamp, row.pk)}
    return Page("pages/task.html", row.objective, regions, shown, stamps=stamps)


@page("agents:read")
def list_agents(request: HttpRequest) -> Page:
    filters = asked(request, "status", "capability", "q")
    regions: dict[str, Reader] = {"summary": agents.summary, "list": partial(agents.index, filters, timezone.now())}
    return Page("pages/agents.html", "Agents", regions, {"filters": filters})


@page("agents:read")
def show_agent(request: HttpRequest, key: str) -> Page:
    now, facts = timezone.now(), agents.headline(key)
    row = facts["agent"]
    regions: dict[str, Reader] = {
        "head": known(facts),
        "work": partial(agents.work, row.pk),
        "activity": partial(agents.activity, row.pk),
        "cost": partial(agents.cost, row.pk, now),
        "trace": partial(agents.trace, row.pk, scopes_of(request)),
    }
    return Page("pages/agent.html", row.name, regions, {"topic": f"agent:{row.pk}"})
