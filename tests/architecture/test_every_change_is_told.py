"""Whatever a request or a form changes, an entry of the ledger tells of it and names the request."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from coordinator.lib.admin import ServiceAdmin
from tests.factories import person, unique
from tests.missions.world import send
from tests.permissions.bodies import BODIES, filled
from tests.permissions.conftest import world
from tests.permissions.rows import Row, read
from tests.permissions.world import World
from traceability.models import Entry

__all__ = ["world"]

CALLERS = ("admin", "operator", "owner")
UNTOLD = {
    "POST /api/agents/{agent}/activity": "a heartbeat is presence; what changes a status is told (tests/agents)",
    "POST /api/agents/{agent}/health": "a check that finds what is known changes nothing but its time",
    "POST /api/policies/{policy}/simulate": "it changes nothing",
    "POST /api/policies/simulate": "it changes nothing",
    "POST /api/knowledge/search": "it changes nothing",
    "POST /api/missions/{mission}/replay": "it changes nothing",
    "POST /api/tasks/{held}/renew": "a lease that goes on is presence; taking and losing it is told",
    "POST /api/traceability/import": "what stands in the file is there already, or is told thing by thing",
}
"""Requests that may write no entry, each with its reason."""

WRITES = [row for row in read() if row.verb != "GET" and any(row.statuses[each] < 300 for each in CALLERS)]


def name_of(row: Row) -> str:
    return f"{row.verb} {row.address}"


def call(world: World, row: Row, request_id: str) -> Any:
    """The answer to the first caller whom the table lets in."""
    caller = next(each for each in CALLERS if row.statuses[each] < 300)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens[caller]}", HTTP_X_REQUEST_ID=request_id)
    body = filled(BODIES.get(name_of(row)), world.names)
    given = {} if body is None else {"data": body, "format": "json"}
    return getattr(client, row.verb.lower())(row.address.format(**world.names), **given)


@pytest.mark.parametrize("row", WRITES, ids=name_of)
def test_every_request_that_changes_something_is_told(world: World, row: Row) -> None:
    request_id = unique("told")
    with transaction.atomic():
        answer = call(world, row, request_id)
        told = Entry.objects.filter(request_id=request_id).count()
        transaction.set_rollback(True)
    assert answer.status_code < 300, answer.content[:300]
    assert told or name_of(row) in UNTOLD, "no entry of the ledger names this request"


def test_each_exception_is_a_request_that_exists() -> None:
    assert set(UNTOLD) <= {name_of(row) for row in WRITES}


def test_what_an_agent_does_by_a_persons_token_names_both(world: World) -> None:
    request_id = unique("told")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens['operator']}", HTTP_X_REQUEST_ID=request_id)
    agent, held = world.names["agent"], world.names["held"]
    with transaction.atomic():
        answer = client.post(f"/api/agents/{agent}/activity", {"event": "blocked", "context": {}}, format="json")
        assert answer.status_code < 300, answer.content
        assert client.post(f"/api/tasks/{held}/release", {"agent": agent}, format="json").status_code < 300
        told = list(Entry.objects.filter(request_id=request_id))
        transaction.set_rollback(True)
    assert {each.kind for each in told} >= {"agent.status_changed", "task.released"}
    for each in told:
        assert each.actor_kind == "person"
        assert each.on_behalf_of == agent, each.kind


FORMS: dict[str, dict[str, Any]] = {
    "accounts.user": {"name": "Another name"},
    "agents.agent": {"name": "Another name"},
    "knowledge.document": {"title": "Another title"},
    "missions.mission": {"description": "Other words"},
    "missions.task": {"description": "Other words"},
    "policies.policy": {"description": "Other words"},
    "sprints.sprint": {"goal": "Another goal"},
    "traceability.keyresult": {"current": "4"},
    "traceability.objective": {"title": "Another title"},
    "traceability.requirement": {"title": "Another title"},
}
"""What is changed in the form of each kind of record that the admin lets be changed."""


@pytest.fixture(scope="module")
def editor(world: World) -> Client:
    client = Client()
    client.force_login(person("admin"))
    return client


@pytest.mark.parametrize("label", FORMS)
def test_every_form_of_the_admin_that_changes_something_is_told(world: World, editor: Client, label: str) -> None:
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model._default_manager.order_by("pk").last()
    assert row is not None
    before = Entry.objects.latest("pk").pk
    with transaction.atomic():
        answer = send(editor, f"/admin/{label.replace('.', '/')}/{row.pk}/change/", **FORMS[label])
        assert answer.status_code == 302, answer.context["errors"]
        told = list(Entry.objects.filter(pk__gt=before))
        transaction.set_rollback(True)
    assert told, "no entry of the ledger tells of this form"
    assert {each.request_id for each in told} == {answer["X-Request-Id"]}
    assert {each.actor_kind for each in told} == {"person"}


def test_every_form_of_the_admin_is_tried() -> None:
    changing = {
        model._meta.label_lower
        for model, made in admin.site._registry.items()
        if isinstance(made, ServiceAdmin) and type(made).change_through is not ServiceAdmin.change_through
    }
    assert changing == set(FORMS)
