"""Every route and verb of the API, for every kind of caller: the status that the table says."""

import json
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts.roles import SCOPES
from tests.permissions.bodies import BODIES, filled
from tests.permissions.rows import CALLERS, NO_SCOPE, Row, read, routes
from tests.permissions.world import World

ROWS = read()
SERVER = {"/healthz", "/readyz", "/metrics", "/api/schema", "/api/docs"}
"""Addresses outside the viewsets, which have rows all the same."""

OPEN = {("POST", "/api/github/webhook")}
"""Where no bearer token lets anybody in: the delivery carries a signature."""

EVERY_VERB = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def status(world: World, row: Row, caller: str) -> Any:
    """The answer to this caller; whatever it changed is taken back."""
    address = row.address.format(**world.names)
    token = world.token_without(row.scope) if caller == "narrow" else world.tokens[caller]
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    body = filled(BODIES.get(f"{row.verb} {row.address}"), world.names)
    with transaction.atomic():
        answer = client.generic(row.verb, address, _json(body), content_type="application/json")
        transaction.set_rollback(True)
    return answer


def is_proper(answer: Any, *, opened_without: bool) -> bool:
    """Whether a refusal is a problem document, and one of a caller says how to come in."""
    if answer.status_code < 400:
        return True
    named = answer["Content-Type"] == "application/problem+json" and answer.json()["status"] == answer.status_code
    return named and (answer.status_code != 401 or opened_without or answer["WWW-Authenticate"] == "Bearer")


def _json(body: Any) -> str:
    return "" if body is None else json.dumps(body)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.verb} {row.address}")
def test_each_caller_gets_the_status_of_the_table(world: World, row: Row) -> None:
    answers = {caller: status(world, row, caller) for caller in CALLERS}
    told = {caller: answer.status_code for caller, answer in answers.items()}
    assert told == row.statuses, {who: answers[who].content[:300] for who in CALLERS if told[who] != row.statuses[who]}
    if row.address.startswith("/api/"):
        for answer in answers.values():
            assert is_proper(answer, opened_without=(row.verb, row.route) in OPEN), answer.content


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    told = {(row.verb, row.route): row.scope for row in ROWS if row.route not in SERVER}
    known = {key: scope or NO_SCOPE for key, scope in routes().items() if key[1] not in SERVER}
    assert told == known


def test_the_table_names_scopes_that_exist_once_a_row() -> None:
    assert {row.scope for row in ROWS} <= {*SCOPES, NO_SCOPE}
    assert len({(row.verb, row.route) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("route", sorted({row.address for row in ROWS if row.route not in SERVER}))
def test_a_verb_that_an_address_does_not_take_is_405(world: World, route: str) -> None:
    taken = {row.verb for row in ROWS if row.address.format(**world.names) == route.format(**world.names)}
    taken |= {row.verb for row in ROWS if row.route == Row("", route, "", {}).route}
    for verb in EVERY_VERB - taken:
        answer = status(world, Row(verb, route, NO_SCOPE, {}), "admin")
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json"), verb
        assert set(answer["Allow"].replace(" ", "").split(",")) >= taken
