"""Pages of what is governed and recorded: policies, approvals, knowledge, trace, usage, operations."""

from functools import partial
from typing import cast

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from coordinator.dashboard import knowledge, needs, notices, operations, policies, trace, usage
from coordinator.dashboard.asking import asked, known, scopes_of
from coordinator.dashboard.doors import page
from coordinator.dashboard.live import Page, Reader
from policies.models import Decision


@page("policies:read")
def list_policies(request: HttpRequest) -> Page:
    filters, now = asked(request, "status", "q"), timezone.now()
    regions: dict[str, Reader] = {
        "list": partial(policies.index, filters, now),
        "decisions": partial(policies.decisions, Decision.objects.exclude(policies=[]), {}),
    }
    return Page("pages/policies.html", "Policies", regions, {"filters": filters})


@page("policies:read")
def show_policy(request: HttpRequest, key: str) -> Page:
    facts = policies.headline(key)
    row = facts["policy"]
    regions: dict[str, Reader] = {
        "head": known(facts),
        "decisions": partial(policies.decisions, Decision.objects.by_policy(row.pk), {}),
    }
    return Page("pages/policy.html", row.key, regions)


@page("policies:read")
def list_decisions(request: HttpRequest) -> Page:
    filters = asked(request, "outcome", "action")
    regions = {"list": partial(policies.decisions, Decision.objects.all(), filters)}
    return Page("pages/decisions.html", "Decisions", regions, {"filters": filters})


@page("policies:read")
def list_approvals(request: HttpRequest) -> Page:
    regions: dict[str, Reader] = {
        "waiting": policies.waiting,
        "reviews": lambda: {"reviews": needs.reviews()},
        "decided": policies.decided,
    }
    return Page("pages/approvals.html", "Approvals", regions)


@page("knowledge:read")
def search_knowledge(request: HttpRequest) -> Page:
    filters = asked(request, "q", "kind")
    query = filters["q"].strip()
    reader: Reader = (
        partial(knowledge.found, query, filters["kind"]) if query else partial(knowledge.newest, filters["kind"])
    )
    return Page("pages/knowledge.html", "Knowledge", {"found": reader}, {"filters": filters, "query": query})


@page("knowledge:read")
def show_document(request: HttpRequest, key: str) -> Page:
    facts = knowledge.document(key)
    return Page("pages/document.html", facts["document"].title, {"head": known(facts)})


@page("trace:read")
def show_trace(request: HttpRequest) -> Page:
    filters = asked(request, "q", "event", "before")
    regions: dict[str, Reader] = {
        "seal": partial(trace.seal, bool(request.GET.get("verify")), timezone.now()),
        "log": partial(trace.log, filters, scopes_of(request)),
    }
    return Page("pages/trace.html", "Trace log", regions, {"filters": filters, "nouns": trace.NOUNS})


@page("usage:read")
def show_usage(request: HttpRequest) -> Page:
    now, span = timezone.now(), asked(request, "span")["span"]
    start = usage.since(span, now)
    regions: dict[str, Reader] = {
        "totals": partial(usage.totals, start),
        "days": partial(usage.by_day, start, now),
        "groups": partial(usage.groups, start),
        "latest": usage.latest,
    }
    return Page("pages/usage.html", "Usage and cost", regions, {"span": span if span in usage.SPANS else "week"})


@page("missions:read")
def show_operations(request: HttpRequest) -> Page:
    regions: dict[str, Reader] = {
        "processes": operations.processes,
        "hosts": partial(operations.hosts, timezone.now()),
        "queues": partial(operations.queues, timezone.now()),
        "regular": operations.regular,
        "executions": operations.executions,
        "database": operations.database,
    }
    return Page("pages/operations.html", "Operations", regions)


@page("missions:read")
def show_notifications(request: HttpRequest) -> Page:
    person = cast(User, request.user)
    regions: dict[str, Reader] = {"places": partial(notices.places, person), "sent": partial(notices.sent, person)}
    chosen = notices.choices(scopes_of(request))
    shown = {"choices": chosen["topics"], "mail": chosen["mail"]}
    return Page("pages/notifications.html", "Notifications", regions, shown, frozenset(regions))
