"""Policies of five usual shapes, a fifth each, and actions that they are judged by; the same on every run."""

import random
from typing import Any

from policies import drafts
from policies.conditions import Registry, read
from policies.engine import Facts, Rule
from policies.filing import Filed, Shelf
from policies.subjects import Subjects
from policies.vocabulary import Outcome

TYPES = 10
ACTIONS = 50
ATTRIBUTES = {
    "branch": "text", "force": "flag", "path": "text", "lines": "number", "tools": "texts", "files": "texts",
}  # fmt: skip


def registry(types: int = TYPES) -> Registry:
    return Registry({f"work{number}": ATTRIBUTES for number in range(types)})


def conditions(count: int, types: int = TYPES) -> list[dict[str, Any]]:
    """Equality, prefix, number, negation over a list, and some item of a list, in turn."""
    return [{"action_type": f"work{number // 5 % types}", **_test(number)} for number in range(count)]


def _test(number: int) -> dict[str, Any]:
    shape, which = number % 5, number // 5 % 20
    if shape == 0:
        return {"branch": f"release-{which}", "force": True}
    if shape == 1:
        return {"path": {"startswith": f"/srv/app{which}/"}}
    if shape == 2:
        return {"lines": {"gt": 50 * which}}
    if shape == 3:
        return {"tools": {"not_contains": f"tool{which % 4}"}, "force": True}
    return {"files": {"any": {"startswith": f"src/{which}/"}}}


def actions(types: int = TYPES) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [
        {
            "action_type": f"work{chance.randrange(types)}",
            "branch": f"release-{chance.randrange(20)}",
            "force": chance.random() < 0.3,
            "path": f"/srv/app{chance.randrange(20)}/main.py",
            "lines": chance.randrange(1000),
            "tools": [f"tool{chance.randrange(8)}" for _ in range(3)],
            "files": [f"src/{chance.randrange(20)}/{chance.randrange(20)}.py" for _ in range(4)],
        }
        for _ in range(ACTIONS)
    ]


def rules(given: list[dict[str, Any]], known: Registry) -> list[Rule]:
    """The policies as the product keeps them, from their JSON."""
    found = []
    for number, each in enumerate(given):
        tree, types = read(each, known)
        found.append(
            Rule(
                policy=number,
                key=f"p{number}",
                revision=1,
                outcome=Outcome.WARN,
                message="careful",
                tree=tree,
                types=types,
                scope=drafts.scope_of("global"),
            )
        )
    return found


def filed(given: list[Rule]) -> dict[str, Filed]:
    """As a bundle files them: by action type."""
    by_type: dict[str, list[Rule]] = {}
    for rule in given:
        for name in rule.types or ():
            by_type.setdefault(name, []).append(rule)
    return {name: Filed((Shelf(found, name),)) for name, found in by_type.items()}


def facts(action: dict[str, Any], at: Any) -> Facts:
    return Facts(point="agent_action", action=action, subjects=Subjects(), actor_kind="agent", actor_name="a", at=at)
