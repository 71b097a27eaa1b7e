"""What an action of each type tells about itself: the names that conditions may use, and the kind of each.

Kinds: text, number, flag, money (a decimal as text), time (RFC 3339 text), list, object (free below its name), group
(only its named members). Names under `custom.` and action types that begin with `custom.` are free.
Pure: an installation's own types are passed in.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ACTION_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
FREE = "custom"
TYPE = "action_type"

COMMON: dict[str, str] = {
    TYPE: "text",
    FREE: "object",
    "context": "group",
    "context.at": "time",
    "context.actor": "text",
    "context.actor_kind": "text",
    "context.mission": "text",
    "context.task": "text",
    "context.agent": "text",
    "context.agent_type": "text",
    "context.sprint": "text",
    "context.capabilities": "list",
    "mission": "group",
    "mission.key": "text",
    "mission.status": "text",
    "mission.review_required": "flag",
    "mission.cost_usd": "money",
    "mission.budget_used_percent": "number",
}
"""What every action has, when it is known: who asks, about what, and the state of its mission."""

MOVE = {"from": "text", "to": "text", "overdue": "flag"}

BY_TYPE: dict[str, dict[str, str]] = {
    "git_push": {
        "remote": "text", "repository": "text", "branch": "text", "force": "flag", "tags": "flag", "delete": "flag",
        "commits": "number", "files": "list", "command": "text",
    },
    "git_commit": {
        "repository": "text", "branch": "text", "message": "text", "amend": "flag", "signed": "flag", "files": "list",
        "added": "number", "removed": "number", "command": "text",
    },
    "shell": {"command": "text", "program": "text", "argv": "list", "cwd": "text", "sudo": "flag", "limit_s": "number"},
    "file_write": {
        "path": "text", "size": "number", "lines": "number", "content": "text", "exists": "flag", "executable": "flag",
    },
    "file_delete": {"path": "text", "recursive": "flag", "count": "number"},
    "file_read": {"path": "text", "size": "number"},
    "http_request": {
        "method": "text", "url": "text", "scheme": "text", "host": "text", "port": "number", "headers": "object",
        "size": "number",
    },
    "database": {
        "statement": "text", "operation": "text", "database": "text", "schema": "text", "table": "text",
        "tables": "list", "rows": "number", "production": "flag",
    },
    "deploy": {
        "environment": "text", "service": "text", "version": "text", "rollback": "flag", "region": "text",
    },
    "spend": {
        "amount_usd": "money", "model": "text", "provider": "text", "tokens": "number", "purpose": "text",
    },
    "tool_call": {"tool": "text", "server": "text", "input": "object"},
    "task_transition": {
        **MOVE, "priority": "number", "percent": "number", "attempts": "number", "objective": "text",
        "has_agent": "flag", "criteria": "number", "capabilities": "list", "outputs": "list", "cost_usd": "money",
        "budget_used_percent": "number",
    },
    "mission_transition": MOVE,
    "execution": {
        "adapter": "text", "model": "text", "attempt": "number", "budget_usd": "money", "running_minutes": "number",
        "cost_usd": "money", "budget_used_percent": "number",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Registry:
    """The known action types. `own` are the installation's: `{"drone_flight": {"altitude_m": "number"}}`."""

    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, Mapping[str, str]]:
        return {**BY_TYPE, **self.own}

    def knows(self, action_type: str) -> bool:
        return action_type in self.types or (
            action_type.startswith(f"{FREE}.") and ACTION_TYPE.match(action_type) is not None
        )

    def kind_of(self, path: tuple[str, ...], types: Iterable[str] | None) -> str | None:
        """The kind of what the path names in an action of one of the types (None: of any); None when it names nothing.

        A name that has two kinds in two types is of any kind.
        """
        if (kind := _kind(path, COMMON)) is not None:
            return kind
        kinds = {_kind(path, each) for each in self._tables(types)} - {None}
        return kinds.pop() if len(kinds) == 1 else "any" if kinds else None

    def nearest(self, path: tuple[str, ...], types: Iterable[str] | None) -> str | None:
        """The known name that looks most like the path."""
        names = {name for each in self._tables(types) for name in {**COMMON, **each}}
        return nearest(".".join(path), names)

    def _tables(self, types: Iterable[str] | None) -> list[Mapping[str, str]]:
        known = self.types
        return list(known.values()) if types is None else [known.get(each, ANYTHING) for each in types]


ANYTHING: Mapping[str, str] = {"*": "any"}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that looks most like it, or None when none does."""
    found = difflib.get_close_matches(name[:100], sorted(names), n=1, cutoff=0.6)
    return found[0] if found else None


def _kind(path: tuple[str, ...], names: Mapping[str, str]) -> str | None:
    for length in range(len(path), 0, -1):
        kind = names.get(".".join(path[:length]))
        if kind is None:
            continue
        if length == len(path):
            return kind
        indexed = kind == "list" and path[length].isascii() and path[length].isdigit()
        return "any" if kind in {"object", "any"} or indexed else None
    return names.get("*")


def misfits(action: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What of an action does not fit its type: `{field: sentence}`. Unknown names fit, and so does null."""
    names = registry.types.get(str(action.get(TYPE)), {})
    found = {}
    for name, value in action.items():
        wanted = names.get(name)
        if value is not None and wanted is not None and not FITS[wanted](value):
            found[name] = f"{name} of {action[TYPE]} is {WORDS[wanted]}."
    return found


def is_number(value: object) -> bool:
    """A bool is never a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


FITS: dict[str, Any] = {
    "text": _is_text,
    "time": _is_text,
    "number": is_number,
    "money": lambda value: is_number(value) or isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "group": lambda value: isinstance(value, dict),
    "any": lambda value: True,
}
WORDS = {
    "text": "text",
    "time": "an RFC 3339 time",
    "number": "a number",
    "money": "an amount, as a number or as decimal text",
    "flag": "true or false",
    "list": "a list",
    "object": "an object",
    "group": "an object",
}
