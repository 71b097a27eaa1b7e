"""What an action of each type tells about itself: the names that conditions may use, and the kind of each.

Kinds: text, number, flag, money (a decimal as text), time (RFC 3339 text), texts (a list of text), list, object (free
below its name), group (only its named members). Names under `custom.` and action types that begin with `custom.` are
free. Pure: an installation's own types are passed in.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policies.conditions import measures

ACTION_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z")
FREE = "custom"
TYPE = "action_type"
LONGEST_INDEX = 6

LONGEST_TYPE = 64
RESERVED = frozenset({TYPE, FREE, "context", "mission", "rate", "cost", "expression", "all", "any", "not", "path"})
"""First names that an installation's own attributes cannot have."""

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
    "context.capabilities": "texts",
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
        "commits": "number", "files": "texts", "command": "text",
    },
    "git_commit": {
        "repository": "text", "branch": "text", "message": "text", "amend": "flag", "signed": "flag", "files": "texts",
        "added": "number", "removed": "number", "command": "text",
    },
    "shell": {
        "command": "text", "program": "text", "argv": "texts", "cwd": "text", "sudo": "flag", "limit_s": "number",
    },
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
        "statement": "text", "operation": "text", "environment": "text", "database": "text", "schema": "text",
        "table": "text", "tables": "texts", "rows": "number", "production": "flag",
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
        "has_agent": "flag", "criteria": "number", "capabilities": "texts", "outputs": "texts", "cost_usd": "money",
        "budget_used_percent": "number",
    },
    "mission_transition": MOVE,
    "execution": {
        "adapter": "text", "model": "text", "attempt": "number", "budget_usd": "money", "running_minutes": "number",
        "cost_usd": "money", "budget_used_percent": "number",
    },
}  # fmt: skip


MISSION_STATES = frozenset({"planning", "active", "paused", "completed", "cancelled"})
TASK_STATES = frozenset({"pending", "in_progress", "blocked", "pending_review", "completed", "rejected", "failed"})
COMMON_WORDS: dict[str, frozenset[str]] = {
    "context.actor_kind": frozenset({"agent", "person", "system"}),
    "mission.status": MISSION_STATES,
}
WORDS_BY_TYPE: dict[str, dict[str, frozenset[str]]] = {
    "task_transition": {"from": TASK_STATES, "to": TASK_STATES},
    "mission_transition": {"from": MISSION_STATES, "to": MISSION_STATES},
}
"""Attributes that have one of a closed list of words."""


@dataclass(frozen=True)
class Registry:
    """The known action types. `own` are the installation's: `{"drone_flight": {"altitude_m": "number"}}`."""

    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
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
        if (kind := _kind(path, COMMON) or measures.kind_of(".".join(path), self.knows)) is not None:
            return kind
        kinds = {_kind(path, each) for each in self._tables(types)} - {None}
        return kinds.pop() if len(kinds) == 1 else "any" if kinds else None

    def words_of(self, path: tuple[str, ...], types: Iterable[str] | None) -> frozenset[str] | None:
        """The words that the attribute is one of; None when it is free, or when types disagree."""
        name = ".".join(path)
        if name in COMMON_WORDS:
            return COMMON_WORDS[name]
        found = {WORDS_BY_TYPE.get(each, {}).get(name) for each in types or ()}
        return found.pop() if len(found) == 1 else None

    def nearest(self, path: tuple[str, ...], types: Iterable[str] | None) -> str | None:
        """The known name that looks most like the path."""
        name = ".".join(path)
        names = {known for each in self._tables(types) for known in {**COMMON, **each}}
        return nearest(name, names | measures.like(name, self.types))

    def _tables(self, types: Iterable[str] | None) -> list[Mapping[str, str]]:
        known = self.types
        return list(known.values()) if types is None else [known.get(each, ANYTHING) for each in types]


ANYTHING: Mapping[str, str] = {"*": "any"}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that looks most like it, or None when none does."""
    found = difflib.get_close_matches(name[:100], sorted(names), n=1, cutoff=0.6)
    return found[0] if found else None


def _kind(path: tuple[str, ...], names: Mapping[str, str]) -> str | None:
    """The longest declared name decides. A part with a dot in it is no declared name: it would reach nothing."""
    for length in range(len(path), 0, -1):
        kind = None if "." in path[length - 1] else names.get(".".join(path[:length]))
        if kind is not None:
            return kind if length == len(path) else _below(kind, path[length:])
    return names.get("*")


def _below(kind: str, rest: tuple[str, ...]) -> str | None:
    if kind == "texts":
        return "text" if len(rest) == 1 and is_index(rest[0]) else None
    return "any" if kind in {"object", "any"} or (kind == "list" and is_index(rest[0])) else None


def is_index(part: str) -> bool:
    """Whether it numbers an item of a list."""
    return part.isascii() and part.isdigit() and len(part) <= LONGEST_INDEX


def misfits(action: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What of an action does not fit its type: `{field: sentence}`. Unknown names fit, and so does null."""
    names = registry.types.get(str(action.get(TYPE)), {})
    found = {}
    for name, value in action.items():
        wanted = names.get(name)
        if value is not None and wanted is not None and not FITS[wanted](value):
            found[name] = f"{name} of {action[TYPE]} is {WORDS[wanted]}."
    return found


def faults_of(own: Any) -> list[str]:
    """What is wrong with an installation's own action types, as sentences."""
    if not isinstance(own, Mapping):
        return ['Own action types are an object: {"drone_flight": {"altitude_m": "number"}}.']
    return [text for name, attributes in own.items() for text in _faults_of_type(str(name), attributes)]


def _faults_of_type(name: str, attributes: Any) -> list[str]:
    if not ACTION_TYPE.match(name) or len(name) > LONGEST_TYPE:
        return [f"{name[:LONGEST_TYPE]!r} is no name of an action type: lower-case words with _ and dots."]
    if name in BY_TYPE or name.split(".")[0] == FREE:
        return [f"{name} is a type already."]
    if not isinstance(attributes, Mapping):
        return [f"{name}: name its attributes, each with its kind."]
    return [
        f"{name}: {str(attribute)[:LONGEST_TYPE]!r} is of one of the kinds {', '.join(KINDS)}, and no common name."
        for attribute, kind in attributes.items()
        if kind not in KINDS or str(attribute).split(".")[0] in RESERVED
    ]


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
    "texts": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
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
    "texts": "a list of text",
    "list": "a list",
    "object": "an object",
    "group": "an object",
    "any": "any value",
}
KINDS = tuple(FITS)
