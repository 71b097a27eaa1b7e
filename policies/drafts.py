"""What a policy says, checked as a whole: every mistake of a draft, and the outcome that it asks for. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from policies.conditions import Registry, Unreadable, read
from policies.vocabulary import OnError, Outcome, strictest
from traceability import canonical

GLOBAL = "global"
SCOPES = ("mission", "agent", "agent_type", "capability", "task", "sprint")
ASKED = ("block", "escalate", "warn")
LONGEST_MESSAGE = 2000
LONGEST_NAME = 200
MOST_ACTIONS = 10
MOST_NAMES = 200
FARTHEST_PRIORITY = 1000

Mistakes = dict[str, list[str]]


def mistakes_of(content: Mapping[str, Any], registry: Registry) -> Mistakes:
    """Every field that breaks a rule, with its sentences; those of conditions begin with a JSON pointer."""
    texts, types = _of_conditions(content["conditions"], registry)
    found = {
        "conditions": texts,
        "actions": _of_actions(content["actions"]),
        "scope": _of_scope(content["scope"]),
        "require": _of_require(content["require"], registry, types),
        "priority": _of_priority(content["priority"]),
        "valid_until": _of_window(content["valid_from"], content["valid_until"]),
    }
    for name in ("conditions", "actions", "scope", "require"):
        if not found[name] and "\\u0000" in json.dumps(content[name]):
            found[name] = ["Text must not contain the NUL character."]
    return {name: texts for name, texts in found.items() if texts}


def outcome_of(actions: list[dict[str, str]]) -> Outcome:
    """The strictest thing that the actions ask for."""
    return strictest(Outcome(asked) for action in actions for asked in action)


def message_of(actions: list[dict[str, str]]) -> str:
    """All texts, the strictest first."""
    ordered = sorted((ASKED.index(asked), text) for action in actions for asked, text in action.items())
    return "; ".join(text for _, text in ordered)


def usual_on_error(actions: list[dict[str, str]]) -> OnError:
    """What blocks or escalates fails closed, what only warns fails open."""
    return OnError.OPEN if outcome_of(actions) == Outcome.WARN else OnError.CLOSED


def hash_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of everything that the policy says."""
    return hashlib.sha256(canonical.write(content).encode()).hexdigest()


def paths_of(require: list[Any]) -> tuple[tuple[str, ...], ...]:
    """`["branch", ["custom", "a.b"]]` as paths."""
    return tuple(tuple(each.split(".")) if isinstance(each, str) else tuple(each) for each in require)


def scope_of(scope: Any) -> tuple[tuple[str, frozenset[str]], ...]:
    """`{"mission": ["m-1", 7]}` as names to compare; nothing for the global scope."""
    if scope == GLOBAL:
        return ()
    return tuple((noun, frozenset(str(name) for name in names)) for noun, names in sorted(scope.items()))


def _of_conditions(conditions: Any, registry: Registry) -> tuple[list[str], frozenset[str] | None]:
    """The mistakes, and the action types that the conditions can hold for."""
    try:
        return [], read(conditions, registry)[1]
    except Unreadable as wrong:
        return [f"{pointer or '/'}: {text}" for pointer, text in wrong.mistakes.items()], None


def _of_actions(actions: Any) -> list[str]:
    if not isinstance(actions, list) or not 0 < len(actions) <= MOST_ACTIONS:
        return [f'Actions are a list of 1 to {MOST_ACTIONS}, for instance [{{"block": "Why not."}}].']
    return [f"/{index}: {text}" for index, each in enumerate(actions) if (text := _of_action(each))]


def _of_action(action: Any) -> str:
    if not isinstance(action, dict) or len(action) != 1 or next(iter(action)) not in ASKED:
        return f"An action has exactly one of {', '.join(ASKED)}."
    text = next(iter(action.values()))
    fits = isinstance(text, str) and text.strip() and len(text) <= LONGEST_MESSAGE
    return "" if fits else f"Say why, in a text of at most {LONGEST_MESSAGE} characters."


def _of_scope(scope: Any) -> list[str]:
    if scope == GLOBAL:
        return []
    if not isinstance(scope, dict) or not scope:
        return [f'A scope is "{GLOBAL}", or an object with some of {", ".join(SCOPES)}.']
    return [text for noun, names in scope.items() if (text := _of_names(str(noun), names))]


def _of_names(noun: str, names: Any) -> str:
    if noun not in SCOPES:
        return f"/{noun[:50]}: A scope names {', '.join(SCOPES)}."
    listed = isinstance(names, list) and 0 < len(names) <= MOST_NAMES
    if not listed or not all(_is_name(name) for name in names):
        return f"/{noun}: This takes a list of 1 to {MOST_NAMES} ids or keys."
    return ""


def _is_name(name: Any) -> bool:
    return (isinstance(name, str) and 0 < len(name) <= LONGEST_NAME) or type(name) is int


def _of_require(require: Any, registry: Registry, types: frozenset[str] | None) -> list[str]:
    if not isinstance(require, list) or len(require) > MOST_NAMES:
        return ["This takes a list of paths."]
    return [f"/{index}: {text}" for index, each in enumerate(require) if (text := _of_path(each, registry, types))]


def _of_path(path: Any, registry: Registry, types: frozenset[str] | None) -> str:
    if not _is_path(path):
        return "A path is names with dots between them."
    parts = paths_of([path])[0]
    if registry.kind_of(parts, types) is not None:
        return ""
    like = registry.nearest(parts, types)
    hint = f" Did you mean {like!r}?" if like else ""
    return f"There is no attribute {'.'.join(parts)[:100]!r}.{hint} Own names begin with custom."


def _is_path(path: Any) -> bool:
    parts = path.split(".") if isinstance(path, str) else path
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, str) and part for part in parts)


def _of_priority(priority: Any) -> list[str]:
    if type(priority) is int and abs(priority) <= FARTHEST_PRIORITY:
        return []
    return [f"This takes a whole number from -{FARTHEST_PRIORITY} to {FARTHEST_PRIORITY}."]


def _of_window(begins: Any, ends: Any) -> list[str]:
    return ["A policy ends after it begins."] if begins and ends and ends <= begins else []
