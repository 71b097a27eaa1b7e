"""The page of notifications: one's own alone, with what was sent, and acts that go through the services."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Delivery, Endpoint, User
from accounts.services import keeping_notifications as keeping
from accounts.services import routing_notifications as routing
from tests.factories import person
from tests.notifying.world import endpoint, happen
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db

HOOK = "https://hooks.example.org/coordinator?key=12345"


@pytest.fixture
def owner() -> User:
    return person("viewer")


@pytest.fixture
def client(owner: User) -> Client:
    found = Client()
    found.force_login(owner)
    return found


def act(client: Client, path: str, version: int | None = None) -> int:
    headers = {"If-Match": f'"{version}"'} if version else {}
    return client.post(path, {}, content_type="application/json", headers=headers).status_code


def test_a_person_sees_their_own_and_nobody_elses(client: Client, owner: User) -> None:
    mine, other = endpoint(HOOK, owner=owner), endpoint(HOOK)
    happen(1)
    routing.route(now=timezone.now())
    page = client.get("/notifications").content.decode()
    assert mine.key in page
    assert other.key not in page
    assert "task.created" in page
    assert "key=12345" not in page


def test_a_paused_endpoint_says_why_and_that_nothing_is_lost(client: Client, owner: User) -> None:
    keeping.pause(endpoint(HOOK, owner=owner), actor=SYSTEM, now=timezone.now(), because="It answered 410 Gone.")
    page = client.get("/notifications").content.decode()
    assert "It answered 410 Gone. Nothing is lost" in page
    assert ">Resume<" in page


def test_the_page_offers_the_topics_that_the_person_may_read(client: Client) -> None:
    page = client.get("/notifications").content.decode()
    assert 'value="needs-you" checked' in page
    assert 'value="tasks"' in page
    assert 'value="accounts"' not in page
    assert 'value="presence"' not in page
    assert "E-mail to" not in page


def test_acts_pause_resume_test_and_remove(client: Client, owner: User) -> None:
    place = endpoint(HOOK, owner=owner)
    path = f"/notifications/{place.key}/do"
    assert act(client, f"{path}/pause", place.version) == 200
    assert act(client, f"{path}/resume", place.version) == 412
    assert act(client, f"{path}/resume") == 200
    assert act(client, f"{path}/test") == 200
    assert place.deliveries.get().event == "notification.test"
    assert act(client, f"{path}/remove") == 200
    assert not Endpoint.objects.exists()


def test_deliveries_are_skipped_and_sent_again_on_the_page(client: Client, owner: User) -> None:
    place = endpoint(HOOK, owner=owner)
    happen(1)
    routing.route(now=timezone.now())
    delivery = place.deliveries.get()
    for verb, state in (("skip", "skipped"), ("resend", "waiting")):
        assert act(client, f"/deliveries/{delivery.pk}/do/{verb}") == 200
        delivery.refresh_from_db()
        assert delivery.state == state


def test_a_stranger_acts_on_nothing(owner: User) -> None:
    place = endpoint(HOOK, owner=owner)
    stranger = Client()
    stranger.force_login(person("admin"))
    assert act(stranger, f"/notifications/{place.key}/do/remove") == 404
    assert Endpoint.objects.exists()


def test_the_page_costs_the_same_whatever_is_on_it(client: Client, owner: User) -> None:
    endpoint(HOOK, owner=owner)

    def cost() -> int:
        happen(1)
        routing.route(now=timezone.now())
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/notifications").status_code == 200
        return len(asked)

    cost()
    few = cost()
    for _ in range(4):
        endpoint(HOOK, owner=owner)
    assert cost() == few
    assert Delivery.objects.count() > 5


def test_an_admin_pauses_resumes_tests_and_sends_again_in_the_admin(client: Client, owner: User) -> None:
    place = endpoint(HOOK, owner=owner)
    happen(1)
    routing.route(now=timezone.now())
    admin = Client()
    admin.force_login(person("admin"))

    def choose(action: str, table: str, row: int) -> None:
        sent = {"action": action, "_selected_action": [row]}
        assert admin.post(f"/admin/accounts/{table}/", sent).status_code == 302

    choose("pause", "endpoint", place.pk)
    place.refresh_from_db()
    assert (place.state, place.paused_because) == ("paused", "Paused by an admin.")
    choose("resume", "endpoint", place.pk)
    choose("test", "endpoint", place.pk)
    delivery = place.deliveries.get(entry__isnull=False)
    choose("skip", "delivery", delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "skipped"
    choose("resend", "delivery", delivery.pk)
    assert place.deliveries.waiting().count() == 1
    for address in (f"endpoint/{place.pk}/change/", f"delivery/{delivery.pk}/change/", "endpoint/?q=hook", "delivery/"):
        answer = admin.get(f"/admin/accounts/{address}")
        assert answer.status_code == 200
        assert "key=12345" not in answer.content.decode()
