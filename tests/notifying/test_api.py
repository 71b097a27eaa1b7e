"""Notifications over the API: made, shown to their owner alone, changed by version, tested, paused, sent again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, Delivery, Endpoint
from accounts.services import routing_notifications as routing
from tests.factories import client_of, client_signed_in, person, service
from tests.notifying.world import happen
from traceability.models import Entry

pytestmark = pytest.mark.django_db

HOOK = "https://hooks.example.org/coordinator?key=12345"
WEBHOOK = {"kind": "webhook", "address": HOOK, "topics": ["tasks", "needs-you"]}


@pytest.fixture
def mine() -> APIClient:
    return client_signed_in(person())


def made(client: APIClient, **fields: object) -> dict[str, object]:
    answer = client.post("/api/notifications", {**WEBHOOK, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    found: dict[str, object] = answer.json()
    return found


def test_a_webhook_is_made_and_its_secret_shown_once(mine: APIClient) -> None:
    told = made(mine, endpoint_id="ci")
    assert str(told["secret"]).startswith("whsec_")
    assert (told["endpoint_id"], told["state"], told["topics"]) == ("ci", "active", ["tasks", "needs-you"])
    again = mine.get("/api/notifications/ci").json()
    assert "secret" not in again
    assert again["address"] == HOOK
    assert mine.get("/api/notifications").json()["results"] == [again]


def test_a_repeated_post_makes_one_and_does_not_repeat_the_secret(mine: APIClient) -> None:
    first, second = (
        mine.post("/api/notifications", WEBHOOK, format="json", headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    )
    assert first.json()["endpoint_id"] == second.json()["endpoint_id"]
    assert (second["Idempotent-Replayed"], second.json()["secret"]) == ("true", None)
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"address": "http://hooks.example.org/"}, "address"),
        ({"address": "https://127.0.0.1/"}, "address"),
        ({"address": ""}, "address"),
        ({"topics": []}, "topics"),
        ({"topics": ["nothing"]}, "topics"),
        ({"topics": "tasks"}, "topics"),
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "email", "address": ""}, "kind"),
        ({"state": "paused"}, "state"),
        ({"endpoint_id": "12"}, "endpoint_id"),
        ({"owner": "somebody"}, "owner"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_field(mine: APIClient, fields: dict[str, object], named: str) -> None:
    answer = mine.post("/api/notifications", {**WEBHOOK, **fields}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [named])
    assert not Endpoint.objects.exists()


def test_topics_that_the_caller_may_not_read_are_403(mine: APIClient) -> None:
    answer = mine.post("/api/notifications", {**WEBHOOK, "topics": ["accounts"]}, format="json")
    assert answer.status_code == 403


def test_a_key_that_is_taken_is_a_conflict_and_there_are_not_endless_many(mine: APIClient) -> None:
    made(mine, endpoint_id="ci")
    answer = mine.post("/api/notifications", {**WEBHOOK, "endpoint_id": "ci"}, format="json")
    assert answer.status_code == 409
    for _ in range(19):
        made(mine)
    assert mine.post("/api/notifications", WEBHOOK, format="json").status_code == 409


def test_a_stranger_sees_nothing_of_it_and_an_admin_sees_the_host_alone(mine: APIClient) -> None:
    key = made(mine)["endpoint_id"]
    stranger, admin = client_of(person()), client_of(person("admin"))
    assert stranger.get("/api/notifications").json()["results"] == []
    assert stranger.get(f"/api/notifications/{key}").status_code == 404
    assert stranger.delete(f"/api/notifications/{key}").status_code == 404
    assert admin.get(f"/api/notifications/{key}").json()["address"] == "https://hooks.example.org/…"


def test_the_address_of_slack_is_a_secret_that_nobody_reads_again(mine: APIClient) -> None:
    told = made(mine, kind="slack", address="https://hooks.slack.com/services/T0/B0/xyz")
    assert (told["address"], told["secret"]) == ("https://hooks.slack.com/…", None)


def test_a_change_names_the_version_that_it_was_made_from(mine: APIClient) -> None:
    address = f"/api/notifications/{made(mine)['endpoint_id']}"
    tag = mine.get(address)["ETag"]
    changed = mine.patch(address, {"topics": ["missions"]}, format="json", headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["topics"], changed["ETag"]) == (200, ["missions"], '"2"')
    stale = {"If-Match": tag}
    assert mine.patch(address, {"topics": ["tasks"]}, format="json", headers=stale).status_code == 412
    assert mine.post(f"{address}/pause", format="json", headers=stale).status_code == 412
    assert mine.post(f"{address}/rotate-secret", format="json", headers=stale).status_code == 412
    assert mine.delete(address, headers=stale).status_code == 412


def test_a_change_of_nothing_is_no_change(mine: APIClient) -> None:
    address = f"/api/notifications/{made(mine)['endpoint_id']}"
    told = Entry.objects.count()
    assert mine.patch(address, {"topics": WEBHOOK["topics"]}, format="json")["ETag"] == '"1"'
    assert mine.post(f"{address}/resume", format="json")["ETag"] == '"1"'
    assert Entry.objects.count() == told


def test_pausing_resuming_rotating_and_removing_are_each_told_once(mine: APIClient) -> None:
    address = f"/api/notifications/{made(mine)['endpoint_id']}"
    for verb in ("pause", "pause", "resume", "rotate-secret"):
        assert mine.post(f"{address}/{verb}", format="json").status_code == 200
    assert mine.delete(address).status_code == 204
    assert mine.get(address).status_code == 404
    kinds = Entry.objects.filter(kind__startswith="notification.").order_by("pk").values_list("kind", flat=True)
    assert [kind.partition(".")[2] for kind in kinds] == ["created", "paused", "resumed", "secret_rotated", "removed"]


def test_a_rotation_shows_the_new_secret_once(mine: APIClient) -> None:
    told = made(mine)
    rotated = mine.post(f"/api/notifications/{told['endpoint_id']}/rotate-secret", format="json").json()
    assert rotated["secret"] not in {None, told["secret"]}
    slack = made(mine, kind="slack")
    assert mine.post(f"/api/notifications/{slack['endpoint_id']}/rotate-secret", format="json").status_code == 409


def test_an_agents_service_account_may_have_a_webhook_of_what_its_token_may_read() -> None:
    account = service()
    client = client_of(account, ["tasks:read"])
    made(client, topics=["tasks"])
    place = Endpoint.objects.get()
    assert (place.scopes, place.token) == (["tasks:read"], ApiToken.objects.get(user=account))
    assert client.post("/api/notifications", {**WEBHOOK, "topics": ["missions"]}, format="json").status_code == 403


def test_deliveries_are_listed_the_latest_first_and_sent_again(mine: APIClient) -> None:
    address = f"/api/notifications/{made(mine)['endpoint_id']}"
    entries = happen(3)
    routing.route(now=timezone.now())
    listed = mine.get(f"{address}/deliveries").json()["results"]
    assert [each["entry"] for each in listed] == entries[::-1]
    assert (listed[0]["state"], listed[0]["event"], listed[0]["topic"]) == ("waiting", "task.created", "tasks")
    assert mine.get(address).json()["waiting"] == 3
    one = f"/api/deliveries/{listed[0]['id']}"
    assert mine.post(f"{one}/skip", format="json").json()["state"] == "skipped"
    assert mine.post(f"{one}/skip", format="json").status_code == 422
    again = mine.post(f"{one}/resend", format="json")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert mine.get(f"{address}/deliveries?state=waiting&page_size=2").json()["next"]
    assert client_of(person()).get(one).status_code == 404


def test_a_test_is_answered_with_its_delivery(mine: APIClient) -> None:
    address = f"/api/notifications/{made(mine)['endpoint_id']}"
    told = mine.post(f"{address}/test", format="json")
    assert (told.status_code, told.json()["event"], told.json()["entry"]) == (202, "notification.test", None)
    assert mine.get(f"/api/deliveries/{told.json()['id']}").json() == told.json()
    assert mine.post(f"/api/deliveries/{told.json()['id']}/resend", format="json").status_code == 422


def test_lists_cost_the_same_whatever_their_length(mine: APIClient) -> None:
    key = made(mine)["endpoint_id"]
    happen(1)
    routing.route(now=timezone.now())

    def cost() -> list[int]:
        counts = []
        for address in ("/api/notifications", f"/api/notifications/{key}/deliveries"):
            with CaptureQueriesContext(connection) as asked:
                assert mine.get(address).status_code == 200
            counts.append(len(asked))
        return counts

    few = cost()
    for _ in range(4):
        made(mine)
    happen(5)
    routing.route(now=timezone.now())
    assert Delivery.objects.count() > 10
    assert cost() == few == [2, 3]
