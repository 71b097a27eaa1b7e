"""Every page and every act on it: who is sent to sign in, who sees, who may act."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from tests.factories import person
from tests.permissions.world import World

VISITORS = ("nobody", "no role", "viewer", "operator", "admin")
SIGN_IN, SHUT, SEEN = 302, 403, 200
EVERYBODY_ELSE = (SIGN_IN, SHUT, SEEN, SEEN, SEEN)
PAGES: dict[str, tuple[int, ...]] = {
    "/": EVERYBODY_ELSE,
    "/missions": EVERYBODY_ELSE,
    "/missions/{mission}": EVERYBODY_ELSE,
    "/tasks": EVERYBODY_ELSE,
    "/tasks/{task}": EVERYBODY_ELSE,
    "/approvals": EVERYBODY_ELSE,
    "/agents": EVERYBODY_ELSE,
    "/agents/{agent}": EVERYBODY_ELSE,
    "/sprints": EVERYBODY_ELSE,
    "/sprints/{sprint}": EVERYBODY_ELSE,
    "/objectives": EVERYBODY_ELSE,
    "/requirements": EVERYBODY_ELSE,
    "/requirements/{requirement}": EVERYBODY_ELSE,
    "/traceability": EVERYBODY_ELSE,
    "/policies": EVERYBODY_ELSE,
    "/policies/{policy}": EVERYBODY_ELSE,
    "/decisions": EVERYBODY_ELSE,
    "/knowledge": EVERYBODY_ELSE,
    "/knowledge/{document}": EVERYBODY_ELSE,
    "/trace": EVERYBODY_ELSE,
    "/usage": EVERYBODY_ELSE,
    "/operations": EVERYBODY_ELSE,
    "/notifications": EVERYBODY_ELSE,
    "/records": (SIGN_IN, SIGN_IN, SEEN, SEEN, SEEN),
    "/robots.txt": (SEEN,) * 5,
    "/favicon.ico": (302,) * 5,
}
"""GET, for each of the visitors."""

DECIDERS = (401, 403, 403, 200, 200)
NOT_THEIRS = (401, 403, 404, 404, 404)
"""Of what belongs to somebody else."""

ACTS: dict[str, tuple[int, ...]] = {
    "/missions/{planned}/do/start": DECIDERS,
    "/missions/{mission}/do/pause": DECIDERS,
    "/missions/{mission}/do/complete": DECIDERS,
    "/missions/{mission}/do/cancel": DECIDERS,
    "/missions/{crashed}/do/restart": DECIDERS,
    "/tasks/{review}/do/approve": DECIDERS,
    "/tasks/{review}/do/reject": DECIDERS,
    "/approvals/{approval}/do/approve": DECIDERS,
    "/approvals/{approval}/do/reject": DECIDERS,
    "/advisories/{advisory}/do/acknowledge": DECIDERS,
    "/advisories/{advisory}/do/snooze-hour": DECIDERS,
    "/advisories/{advisory}/do/snooze-day": DECIDERS,
    "/advisories/{advisory}/do/snooze-week": DECIDERS,
    "/advisories/{advisory}/do/take-up": DECIDERS,
    "/notifications/{notification}/do/pause": NOT_THEIRS,
    "/notifications/{notification}/do/resume": NOT_THEIRS,
    "/notifications/{notification}/do/remove": NOT_THEIRS,
    "/notifications/{notification}/do/test": NOT_THEIRS,
    "/deliveries/{delivery}/do/resend": NOT_THEIRS,
    "/deliveries/{delivery}/do/skip": NOT_THEIRS,
}
"""POST, for each of the visitors."""


@pytest.fixture(scope="module")
def visitors(world: World) -> dict[str, User | None]:
    roles = {"no role": None, "viewer": "viewer", "operator": "operator", "admin": "admin"}
    return {"nobody": None, **{name: person(role) for name, role in roles.items()}}


def client_for(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.parametrize("address", PAGES)
def test_each_visitor_sees_what_the_table_says(world: World, visitors: dict[str, User | None], address: str) -> None:
    told = [client_for(user).get(address.format(**world.names)).status_code for user in visitors.values()]
    assert tuple(told) == PAGES[address]


@pytest.mark.parametrize("address", ACTS)
def test_only_who_may_decide_acts_on_a_page(world: World, visitors: dict[str, User | None], address: str) -> None:
    told = []
    for user in visitors.values():
        with transaction.atomic():
            body = {"comment": "As agreed."}
            answer = client_for(user).post(address.format(**world.names), body, content_type="application/json")
            told.append(answer.status_code)
            transaction.set_rollback(True)
    assert tuple(told) == ACTS[address]


@pytest.mark.parametrize("address", ACTS)
def test_an_act_needs_the_token_of_the_page(world: World, visitors: dict[str, User | None], address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(visitors["admin"])  # type: ignore[arg-type]
    assert client.post(address.format(**world.names), {}, content_type="application/json").status_code == 403


def test_every_page_and_every_act_has_a_row() -> None:
    pages, acts = set(), set()
    for pattern in get_resolver("coordinator.dashboard.urls").url_patterns:
        address = f"/{pattern.pattern}".replace("<str:key>", "{}")
        known = getattr(pattern.callback, "acts", None)
        if known is None:
            pages.add(address)
        else:
            acts |= {address.replace("<str:verb>", verb) for verb in known}
    assert {_bare(address) for address in PAGES} == pages
    assert {_bare(address) for address in ACTS} == acts


def _bare(address: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in address.split("/"))
