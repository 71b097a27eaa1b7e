"""Acts in place: the same services as the API, the role's scopes, and a refusal that a person can read."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coordinator.dashboard import acts
from missions.lifecycle import TaskStatus
from missions.models import Task
from tests.browser import world
from tests.browser.world import World
from tests.factories import person
from traceability.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> World:
    return world.build(timezone.now())


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(person("operator", email="second@example.org"))
    return client


def in_review() -> Task:
    return Task.objects.filter(status=TaskStatus.PENDING_REVIEW).order_by("pk")[0]


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_an_approval_on_a_page_completes_the_task_and_is_on_record(company: World, operator: Client) -> None:
    task = in_review()
    assert post(operator, f"/tasks/{task.key}/do/approve").json() == {"done": "approve"}
    task.refresh_from_db()
    assert task.status == TaskStatus.COMPLETED
    told = Entry.objects.of_task(task.pk).of_kind("task.reviewed").latest("pk")
    assert told.actor_name == "second@example.org"


def test_what_changed_since_the_page_was_shown_is_not_approved(company: World, operator: Client) -> None:
    task = in_review()
    page = operator.get(f"/tasks/{task.key}").content.decode()
    assert page.count(f'data-version="{task.version}"') == 2
    for verb in ("approve", "reject"):
        path = f"/tasks/{task.key}/do/{verb}"
        stale = operator.post(
            path, {"comment": "x"}, content_type="application/json", headers={"If-Match": f'"{task.version - 1}"'}
        )
        assert stale.status_code == 412
    task.refresh_from_db()
    assert task.status == TaskStatus.PENDING_REVIEW
    seen = {"If-Match": f'"{task.version}"'}
    path = f"/tasks/{task.key}/do/approve"
    assert operator.post(path, {}, content_type="application/json", headers=seen).status_code == 200


def test_a_rejection_without_a_comment_is_refused(company: World, operator: Client) -> None:
    task = in_review()
    answer = post(operator, f"/tasks/{task.key}/do/reject")
    assert (answer.status_code, "Say what should change." in answer.json()["detail"]) == (422, True)
    assert post(operator, f"/tasks/{task.key}/do/reject", comment="The tests are missing.").status_code == 200
    task.refresh_from_db()
    assert task.status == TaskStatus.REJECTED


@pytest.mark.parametrize("noun", ["tasks", "approvals", "missions", "advisories"])
def test_what_does_not_exist_is_missing(operator: Client, noun: str) -> None:
    verb = {"missions": "pause", "advisories": "acknowledge"}.get(noun, "approve")
    assert post(operator, f"/{noun}/999999/do/{verb}").status_code == 404


def test_a_verb_that_nobody_knows_is_missing(operator: Client) -> None:
    assert post(operator, "/tasks/1/do/delete").status_code == 404


def test_an_act_is_posted_and_nothing_else(operator: Client) -> None:
    assert operator.get("/tasks/1/do/approve").status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"comment": 7}',
        b'{"comment": "\\u0000"}',
        b'{"comment": "\\ud800"}',
        b'{"comment": "%s"}' % (b"x" * 5000),
        b"[" * 100000,
        b"\xff",
    ],
)
def test_a_body_that_is_no_comment_is_refused(operator: Client, body: bytes) -> None:
    answer = operator.post("/tasks/1/do/approve", body, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_an_act_without_the_csrf_token_is_refused(company: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operator"))
    task = in_review()
    assert post(client, f"/tasks/{task.key}/do/approve").status_code == 403
    task.refresh_from_db()
    assert task.status == TaskStatus.PENDING_REVIEW


def test_every_act_is_refused_to_a_viewer_and_to_nobody(client: Client) -> None:
    known = {"tasks": acts.ON_TASK, "approvals": acts.ON_APPROVAL, "advisories": acts.ON_ADVISORY}
    paths = [f"/{noun}/1/do/{verb}" for noun, verbs in {**known, "missions": acts.ON_MISSION}.items() for verb in verbs]
    assert {post(client, path).status_code for path in paths} == {401}
    client.force_login(person("viewer"))
    assert {post(client, path).status_code for path in paths} == {403}


def test_an_advisory_is_acknowledged_and_a_mission_paused(company: World, operator: Client) -> None:
    advisory = company.missions[0].advisories.order_by("pk")[0]
    assert post(operator, f"/advisories/{advisory.pk}/do/acknowledge").status_code == 200
    advisory.refresh_from_db()
    assert advisory.acknowledged_by is not None
    assert post(operator, "/missions/checkout/do/pause").status_code == 200
    company.missions[0].refresh_from_db()
    assert company.missions[0].status == "paused"
