"""Pages of the plan: sprints, objectives, requirements, traceability."""

from functools import cache, partial

from django.http import HttpRequest
from django.utils import timezone

from coordinator.dashboard import planning, sprints
from coordinator.dashboard.asking import asked, known
from coordinator.dashboard.doors import page
from coordinator.dashboard.live import Page, Reader
from traceability import coverage


@page("sprints:read")
def list_sprints(request: HttpRequest) -> Page:
    today = timezone.localdate()
    return Page("pages/sprints.html", "Sprints", {"list": partial(sprints.index, today)})


@page("sprints:read")
def show_sprint(request: HttpRequest, key: str) -> Page:
    now = timezone.now()
    facts = sprints.headline(key, timezone.localdate(now))
    row = facts["sprint"]
    regions: dict[str, Reader] = {
        "head": known(facts),
        "burndown": partial(sprints.burndown, row, now),
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
    gaps, covered = bool(request.GET.get("gaps")), cache(coverage.tree)
    regions: dict[str, Reader] = {
        "numbers": lambda: planning.numbers(covered()),
        "tree": lambda: planning.tree(covered(), gaps),
    }
    return Page("pages/traceability.html", "Traceability", regions, {"gaps": gaps})
