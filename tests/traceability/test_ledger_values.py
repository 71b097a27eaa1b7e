"""What the ledger cannot keep is refused at the edge, in every field of every body, and leaves nothing."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from tests.permissions.bodies import BODIES, filled
from tests.permissions.conftest import world
from tests.permissions.world import World
from traceability.models import Entry

__all__ = ["world"]

MORE: dict[str, Any] = {
    "POST /api/tasks/{task}/report": {
        "progress": {
            "outputs": {"a": {"b": ["x"]}, "c": "x"},
            "logs": [{"message": "x"}],
            "usage": {"input_tokens": 1, "model": "x"},
        }
    },
    "PATCH /api/tasks/{task}": {
        "description": "x", "acceptance_criteria": ["x"], "outputs": {"a": ["x"]}, "required_capabilities": ["x"],
    },
    "POST /api/agents/{agent}/activity": {"event": "blocked", "context": {"reason": "x", "more": {"deep": ["x"]}}},
    "PATCH /api/agents/{agent}": {"adapter_config": {"model": "x"}, "capabilities": ["x"]},
    "POST /api/policies/evaluate": {"action": {"action_type": "deploy", "target": "x", "more": {"deep": ["x"]}}},
    "POST /api/policies": {"conditions": {"action_type": "x"}, "actions": [{"warn": "x"}], "description": "x"},
    "POST /api/knowledge/documents": {"content": "x y z", "title": "x", "metadata": {"a": ["x"]}, "tags": ["x"]},
    "PATCH /api/missions/{mission}": {"goal": "x", "description": "x"},
}  # fmt: skip
"""Bodies with what is free in them, beside those of the permission table."""

CASES = [*((name, body) for name, body in BODIES.items() if body and "webhook" not in name), *MORE.items()]
UNKEPT = {
    "a lone surrogate": '"a\\ud800b"',
    "a NUL": '"a\\u0000b"',
    "an integer beyond 2^53": "9007199254740993",
    "one far beyond": "-1" + "0" * 40,
    "an infinity": "1e999",
}
MALFORMED = {"a bare NaN": "NaN", "a bare infinity": "-Infinity"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every leaf of a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path
        return
    for name, each in inner:
        yield from places(each, (*path, name))


def spoiled(body: Any, path: tuple[Any, ...], raw: str) -> str:
    """The body as JSON with something else at one place."""
    made = copy.deepcopy(body)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = "\u2603here"
    return json.dumps(made, ensure_ascii=False).replace('"\u2603here"', raw)


def call(world: World, name: str, text: str) -> tuple[int, int]:
    """The status, and how many entries were written; all of it is taken back."""
    verb, _, address = name.partition(" ")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens['admin']}")
    with transaction.atomic():
        before = Entry.objects.count()
        answer = client.generic(verb, address.format(**world.names), text, content_type="application/json")
        written = Entry.objects.count() - before
        transaction.set_rollback(True)
    return answer.status_code, written


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_what_the_ledger_cannot_keep_is_refused_and_leaves_nothing(world: World, case: tuple[str, Any]) -> None:
    name, body = case[0], filled(case[1], world.names)
    for path in places(body):
        for what, raw in UNKEPT.items():
            came = call(world, name, spoiled(body, path, raw))
            assert came == (422, 0), f"{what} at {path}"
        for what, raw in MALFORMED.items():
            came = call(world, name, spoiled(body, path, raw))
            assert came == (400, 0), f"{what} at {path}"


@pytest.mark.django_db
def test_a_float_of_the_clients_own_is_kept_exactly_and_the_chain_holds_none(world: World) -> None:
    body = {"progress": {"outputs": {"share": 0.1, "tiny": 5e-324, "whole": 2.0, "deep": [{"x": -0.0}]}}}
    name = "POST /api/tasks/{task}/report"
    with transaction.atomic():
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens['admin']}")
        address = name.partition(" ")[2].format(**world.names)
        assert client.post(address, body, format="json").status_code == 200
        entry = Entry.objects.filter(kind="task.reported").latest("pk")
        transaction.set_rollback(True)
    assert entry.data["outputs"] == body["progress"]["outputs"]
    assert entry.body is not None
    assert '{"$float":"5e-324"}' in entry.body
    assert "0.1" not in entry.canonical
