"""Roles and scopes: who may do what, as tables. The same table holds for API, admin, pages and WebSocket.

Pure: no database, no clock, no settings.
"""

from collections.abc import Iterable

READS = frozenset(
    f"{area}:read"
    for area in (
        "missions", "tasks", "agents", "policies", "knowledge", "planning", "sprints", "trace", "usage", "github",
    )
)  # fmt: skip
WORKS = frozenset(
    {
        "missions:write", "tasks:write", "tasks:work", "tasks:review", "agents:write", "agents:report",
        "policies:write", "policies:evaluate", "approvals:decide", "knowledge:write", "planning:write",
        "sprints:write", "usage:write", "github:sync",
    }
)  # fmt: skip
SCOPES = READS | WORKS | {"accounts:admin", "trace:erase"}

ROLES: dict[str, frozenset[str]] = {
    "admin": SCOPES,
    "operator": READS | WORKS,
    "agent": READS
    | {"tasks:work", "tasks:write", "agents:report", "policies:evaluate", "knowledge:write", "usage:write"},
    "viewer": READS,
}
BY_STRENGTH = ("admin", "operator", "agent", "viewer")
PEOPLE = ("admin", "operator", "viewer")

ADMIN_APPS = {"accounts", "django_q"}
"""What only an admin sees of the Django admin."""


def strongest(names: Iterable[str]) -> str | None:
    """The strongest role among the names of some groups; None when none of them is a role."""
    held = set(names)
    return next((role for role in BY_STRENGTH if role in held), None)


def scopes_of(role: str | None) -> frozenset[str]:
    return ROLES.get(role or "", frozenset())


def permits(role: str | None, permission: str) -> bool:
    """Whether the role holds a Django permission such as `missions.change_task`."""
    app, _, name = permission.partition(".")
    verb = name.partition("_")[0]
    if role == "admin":
        return True
    if app in ADMIN_APPS or role not in {"operator", "viewer"}:
        return False
    return verb == "view" if role == "viewer" else verb in {"view", "add", "change", "delete"}


def permits_app(role: str | None, app: str) -> bool:
    return role == "admin" or (role in {"operator", "viewer"} and app not in ADMIN_APPS)
