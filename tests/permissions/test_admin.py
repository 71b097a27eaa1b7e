"""Every table of the admin: who sees it, who adds and changes; a viewer only looks, an operator knows no accounts."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import person
from tests.permissions.world import World

ROLES = ("viewer", "operator", "admin")
HIDDEN: tuple[str, ...] = ("", "", "see add change")
SHOWN = ("see", "see", "see")
WORKED = ("see", "see add change", "see add change")
TABLES: dict[str, tuple[str, ...]] = {
    "accounts.user": HIDDEN,
    "accounts.apitoken": ("", "", "see add"),
    "accounts.session": ("", "", "see"),
    "accounts.endpoint": ("", "", "see"),
    "accounts.delivery": ("", "", "see"),
    "agents.agent": WORKED,
    "agents.activity": SHOWN,
    "agents.usage": SHOWN,
    "knowledge.document": WORKED,
    "knowledge.embeddingspace": SHOWN,
    "missions.advisory": SHOWN,
    "missions.claim": SHOWN,
    "missions.execution": SHOWN,
    "missions.githubfeed": SHOWN,
    "missions.githubissue": SHOWN,
    "missions.mission": WORKED,
    "missions.missionhost": SHOWN,
    "missions.missionprocess": SHOWN,
    "missions.missionstanding": SHOWN,
    "missions.participation": SHOWN,
    "missions.report": SHOWN,
    "missions.review": SHOWN,
    "missions.task": WORKED,
    "missions.workerhost": SHOWN,
    "policies.approval": SHOWN,
    "policies.decision": SHOWN,
    "policies.policy": WORKED,
    "policies.waiver": SHOWN,
    "sprints.sprint": WORKED,
    "traceability.archive": SHOWN,
    "traceability.checkpoint": SHOWN,
    "traceability.entry": SHOWN,
    "traceability.keyresult": WORKED,
    "traceability.objective": WORKED,
    "traceability.requirement": WORKED,
}
"""What each role may do; nothing is ever deleted here."""

QUEUE = {"django_q.failure", "django_q.ormq", "django_q.schedule", "django_q.success"}
"""The job queue's own tables, for admins alone."""


@pytest.fixture(scope="module")
def clients(world: World) -> dict[str, Client]:
    return {role: _client_of(person(role)) for role in ROLES}


def _client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(label: str, page: str, *args: Any) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def a_row(label: str) -> Any:
    """The key of some row; 0 when there is none."""
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model._default_manager.order_by("pk").first()
    return 0 if row is None else row.pk


@pytest.mark.parametrize("label", TABLES)
def test_each_role_does_in_the_admin_what_the_table_says(world: World, clients: dict[str, Client], label: str) -> None:
    for role, may in zip(ROLES, TABLES[label], strict=True):
        client = clients[role]
        assert (client.get(address(label, "changelist")).status_code == 200) == ("see" in may), role
        assert (client.get(address(label, "add")).status_code == 200) == ("add" in may), role
        assert client.post(address(label, "delete", a_row(label)), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("label", TABLES)
def test_who_may_not_change_a_row_cannot_send_its_form(world: World, clients: dict[str, Client], label: str) -> None:
    if (row := a_row(label)) == 0:
        pytest.skip("the world has no row of this kind")
    for role, may in zip(ROLES, TABLES[label], strict=True):
        sent = clients[role].post(address(label, "change", row), {})
        assert (sent.status_code == 403) == ("change" not in may), (role, sent.status_code)


@pytest.mark.parametrize("label", sorted(QUEUE))
def test_the_job_queue_is_seen_by_admins_alone(clients: dict[str, Client], label: str) -> None:
    told = [clients[role].get(address(label, "changelist")).status_code for role in ROLES]
    assert told == [403, 403, 200]


def test_every_table_of_the_admin_has_a_row() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == {*TABLES, *QUEUE}
