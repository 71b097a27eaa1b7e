"""How an action reads in a list, and by what two actions are the same. Pure."""

from collections.abc import Mapping
from typing import Any

LONGEST = 300
IDENTITY = {"task_transition": ("from", "to", "attempts"), "mission_transition": ("from", "to")}
"""What makes a move the same move. What it costs meanwhile does not; every other action is the same only as a whole."""

TELLING = (
    "command", "statement", "url", "path", "branch", "tool", "service", "environment", "program", "message", "adapter",
    "amount_usd",
)  # fmt: skip
"""Attributes that say most about an action, the most telling first."""


def identity_of(point: str, action: Mapping[str, Any]) -> dict[str, Any]:
    names = IDENTITY.get(point)
    return dict(action) if names is None else {name: action.get(name) for name in names}


def summary_of(action: Mapping[str, Any], *, mission: str = "", task: str = "") -> str:
    """For instance `Task t-1: in_progress → completed`, or `git_push: git push --force (task t-1)`."""
    about = f"task {task}" if task else f"mission {mission}" if mission else ""
    if "from" in action and "to" in action and about:
        return f"{about[0].upper()}{about[1:]}: {action['from']} → {action['to']}"[:LONGEST]
    telling = next((str(action[name]) for name in TELLING if isinstance(action.get(name), (str, int, float))), "")
    text = f"{action.get('action_type')}: {telling}" if telling else str(action.get("action_type"))
    room = LONGEST - len(about) - 3
    return f"{text[:room]} ({about})" if about else text[:LONGEST]
