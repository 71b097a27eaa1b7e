"""Pages of the plan: sprints, objectives, requirements, traceability."""

from functools import partial

from django.http import HttpRequest
from django.utils import timezone

from coordinator.dashboard import planning, sprints
from coordinator.dashboard.asking import asked, known
from coordinator.dashboard.doors import page
from coordinator.dashboard.live import Page, Reader


@page("sprints:read")
def list_sprints(request: HttpRequest) -> Page:
    today = timezone.localdate()
    return Page("pages/sprints.html", "Sprints", {"list": partial(sprints.index, today)})


@page("sprints:read")
def show_sprint(request: HttpRequest, key: str) -> Page:
    today = timezone.localdate()
    facts = sprints.headline(key, today)
    row = facts["sprint"]
    regions: dict[str, Reader] = {
        "head": known(facts),
        "burndown": partial(sprints.burndown, row, today),
        "tasks": partial(sprints.tasks, row.pk),
    }
    return Page("pages/sprint.html", row.name, regions)


@page("planning:read")
def list_objectives(request: HttpRequest) -> Page:
    return Page("pages/objectives.html", "Objectives", {"list": planning.objectives})


@page("planning:read")
def list_requirements(request: HttpRequest) -> Page:
    filters = asked(request, "q", "priority", "status", "gap")
    regions = {"list": partial(planning.requirements, filters)}
    return Page("pages/requirements.html", "Requirements", regions, {"filters": filters})


@page("planning:read")
def show_requirement(request: HttpRequest, key: str) -> Page:
    facts = planning.requirement(key)
    return Page("pages/requirement.html", facts["requirement"].title, {"head": known(facts)})


@page("planning:read")
def show_traceability(request: HttpRequest) -> Page:
    gaps = bool(request.GET.get("gaps"))
    regions: dict[str, Reader] = {"numbers": planning.coverage, "tree": partial(planning.tree, gaps)}
    return Page("pages/traceability.html", "Traceability", regions, {"gaps": gaps})
