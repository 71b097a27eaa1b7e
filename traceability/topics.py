"""Which live topics an entry belongs to, and which scope lets somebody read it. Pure."""

from collections.abc import Container, Iterable
from typing import Any

PLURALS = {
    "mission": "missions",
    "task": "tasks",
    "agent": "agents",
    "objective": "objectives",
    "key_result": "objectives",
    "requirement": "requirements",
    "sprint": "sprints",
    "policy": "policies",
    "decision": "policies",
    "approval": "approvals",
    "waiver": "policies",
    "advisory": "advisories",
    "document": "knowledge",
    "execution": "tasks",
    "usage": "agents",
    "github": "tasks",
    "account": "accounts",
    "token": "accounts",
    "session": "accounts",
    "notification": "accounts",
}
SCOPES = {
    "missions": "missions:read",
    "tasks": "tasks:read",
    "agents": "agents:read",
    "objectives": "planning:read",
    "requirements": "planning:read",
    "sprints": "sprints:read",
    "policies": "policies:read",
    "approvals": "policies:read",
    "advisories": "missions:read",
    "knowledge": "knowledge:read",
    "accounts": "accounts:admin",
    "presence": "agents:read",
    "outputs": "tasks:read",
}
"""Topics of many. Two have no entries: `presence` tells when agents were last heard of, `outputs` which tasks' runs put
something out."""

SIGNS = {"presence": "agents", "outputs": "tasks"}
"""What a frame of a topic without entries names."""

SINGULAR = {"mission": "missions:read", "task": "tasks:read", "agent": "agents:read"}
"""Topics of one resource: `mission:{id}`, `task:{id}`, `agent:{id}`."""

ACCESS = {"account", "token", "session"}
"""Nouns whose entries may change what somebody may read."""


def noun_of(kind: str) -> str:
    """What an entry of this kind is about: `task.moved` is about a task."""
    return kind.split(".", 1)[0]


def topics_of(kind: str, *, mission: int | None, task: int | None, agent: int | None) -> tuple[str, ...]:
    """Every topic of an entry, the most particular first."""
    noun = noun_of(kind)
    found = [f"{name}:{pk}" for name, pk in (("task", task), ("mission", mission), ("agent", agent)) if pk is not None]
    return (*found, PLURALS.get(noun, noun))


def scope_of(topic: str) -> str | None:
    """The scope that a topic's frames demand; None for a topic that does not exist."""
    noun, _, rest = topic.partition(":")
    return SINGULAR.get(noun) if rest else SCOPES.get(topic)


def scope_of_kind(kind: str) -> str:
    """The scope that an entry of this kind demands, whatever topic it came by."""
    return SCOPES.get(PLURALS.get(noun_of(kind), ""), "trace:read")


def nouns_of(topic: str) -> list[str]:
    """The nouns whose entries belong to a topic of many."""
    return [noun for noun, plural in PLURALS.items() if plural == topic]


def hidden_from(scopes: Container[str]) -> tuple[str, ...]:
    """The nouns whose entries these scopes do not open. `trace:read` opens all that a `:read` scope opens, no more."""
    whole = "trace:read" in scopes
    needed = {noun: scope_of_kind(noun) for noun in PLURALS}
    return tuple(
        noun for noun, scope in needed.items() if scope not in scopes and not (whole and scope.endswith(":read"))
    )


def unknown(names: Iterable[Any]) -> list[str]:
    """Those that are no topic."""
    return [str(name)[:100] for name in names if not isinstance(name, str) or scope_of(name) is None]
