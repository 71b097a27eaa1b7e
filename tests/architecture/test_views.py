"""Every door names who may pass it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles import SCOPES
from coordinator.lib.permissions import SignedIn

OPEN = {"session-open", "github-webhook"}
"""Doors without a credential: signing in, and deliveries that carry a signature."""


def api_patterns(found: Any = None, before: str = "") -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Each route of the API: its address, its view class and the action of each verb."""
    for each in (found or get_resolver()).url_patterns:
        address = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from api_patterns(each, address)
        elif isinstance(each, URLPattern) and address.startswith("api/") and hasattr(each.callback, "cls"):
            yield f"/{address}", each.callback.cls, getattr(each.callback, "actions", None) or {}


ACTIONS = [
    pytest.param(view, action, id=f"{verb.upper()} {address}")
    for address, view, actions in api_patterns()
    for verb, action in actions.items()
    if verb != "head"
]


@pytest.mark.parametrize(("view", "action"), ACTIONS)
def test_every_action_names_a_scope_that_exists(view: Any, action: str) -> None:
    scope = getattr(view, "scopes", {}).get(action, getattr(view, "scope", None))
    if scope is None:
        assert SignedIn in view.permission_classes or view.permission_classes == [], f"{view.__name__}.{action}"
    else:
        assert scope == "" or scope in SCOPES


def test_there_are_as_many_routes_as_the_contract_has() -> None:
    assert len(ACTIONS) > 80
