"""The one navigation of pages and admin, as data: each link is shown to who holds its scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True)
class Link:
    """One line of the navigation: shown to who holds `scope`, with the number that `badge` names."""

    label: str
    icon: str
    url: str
    scope: str
    badge: str = ""


NAV: tuple[tuple[str, tuple[Link, ...]], ...] = (
    (
        "Operate",
        (
            Link("Overview", "overview", "pages:overview", "missions:read", "needs"),
            Link("Missions", "flag", "pages:missions", "missions:read", "missions"),
            Link("Tasks", "list", "pages:tasks", "tasks:read"),
            Link("Approvals", "review", "pages:approvals", "policies:read", "approvals"),
            Link("Agents", "bot", "pages:agents", "agents:read"),
        ),
    ),
    (
        "Plan",
        (
            Link("Objectives", "target", "pages:objectives", "planning:read"),
            Link("Requirements", "checklist", "pages:requirements", "planning:read"),
            Link("Traceability", "tree", "pages:traceability", "planning:read"),
            Link("Sprints", "clock", "pages:sprints", "sprints:read"),
        ),
    ),
    (
        "Govern",
        (
            Link("Policies", "shield", "pages:policies", "policies:read"),
            Link("Decisions", "branch", "pages:decisions", "policies:read"),
            Link("Knowledge", "book", "pages:knowledge", "knowledge:read"),
            Link("Trace log", "history", "pages:trace", "trace:read"),
            Link("Usage and cost", "coin", "pages:usage", "usage:read"),
        ),
    ),
    (
        "System",
        (
            Link("Notifications", "bell", "pages:notifications", "missions:read"),
            Link("Operations", "server", "pages:operations", "missions:read"),
            Link("All records", "table", "pages:records", "missions:read"),
            Link("Users", "person", "admin:accounts_user_changelist", "accounts:admin"),
        ),
    ),
)


def holds(user: Any, scope: str) -> bool:
    """Whether this account's role gives it the scope."""
    return bool(user.is_active) and scope in getattr(user, "scopes", ())


def navigation(request: HttpRequest, numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """The sections with the links that this account may follow; the deepest link that fits the address is current."""
    seen = [(title, [link for link in links if holds(request.user, link.scope)]) for title, links in NAV]
    urls = {link.url: reverse(link.url) for _, links in seen for link in links}
    fits = [url for url in urls.values() if request.path == url or (url != "/" and request.path.startswith(url))]
    current = max(fits, key=len, default="")
    return [
        {
            "title": title,
            "links": [
                {
                    "label": link.label,
                    "icon": link.icon,
                    "href": urls[link.url],
                    "current": urls[link.url] == current,
                    "badge": numbers.get(link.badge, 0),
                }
                for link in links
            ],
        }
        for title, links in seen
        if links
    ]
