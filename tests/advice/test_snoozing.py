"""Putting advice off: over the API, on a page and in the admin; it waits for nobody until then, and still resolves."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.notifying import naming
from coordinator.dashboard import needs, rows, stories
from coordinator.dashboard.lens import Lens
from missions import briefings, replay
from missions.models import Advisory
from missions.supervision import adviser
from tests import telling
from tests.advice import causes
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability.models import Entry

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator"))


def advisory(**fields: Any) -> Advisory:
    task = world.task(agent=world.agent())
    given = {"kind": "overdue", "severity": "warning", "message": "Late.", "mission": task.mission, "task": task}
    return telling.advisory(**{**given, "cause": unique("overdue:task:0"), "opened_at": timezone.now(), **fields})


def snooze(client: APIClient, row: Advisory, body: Any, **headers: Any) -> Any:
    return client.post(f"/api/advisories/{row.pk}/snooze", body, format="json", **headers)


def put_off_untold(row: Advisory) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        Advisory.objects.filter(pk=row.pk).update(snoozed_until=timezone.now())
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def waiting() -> int:
    return needs.queue(Lens("", ())).total


def test_an_advisory_is_put_off_by_minutes_or_until_a_time_and_taken_up_again(operator: APIClient) -> None:
    row = advisory()
    answer = snooze(operator, row, {"minutes": 60})
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    until = timezone.now() + timedelta(days=2)
    answer = snooze(operator, row, {"until": until.isoformat()})
    row.refresh_from_db()
    assert (answer.json()["version"], row.snoozed_until) == (3, until)
    assert snooze(operator, row, {"until": until.isoformat()}).json()["version"] == 3
    answer = snooze(operator, row, {"until": None})
    assert (answer.json()["version"], answer.json()["snoozed_until"], answer.json()["resolved_at"]) == (4, None, None)
    told = [each.data["until"] for each in Entry.objects.filter(kind="advisory.snoozed").order_by("id")]
    assert (len(told), told[0] is None, told[2]) == (3, False, None)
    assert row.mission_id is not None
    assert replay.partings([row.mission_id]) == {}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"minutes": 0}, {"minutes": 30 * 24 * 60 + 1}, {"minutes": 1.5}, {"minutes": None}, {"minutes": "5"},
        {"until": "2020-01-01T00:00:00Z"}, {"until": "2999-01-01T00:00:00Z"}, {"until": "tomorrow"},
        {"minutes": 5, "until": None}, {"hours": 1},
    ],
)  # fmt: skip
def test_a_time_that_makes_no_sense_is_refused(operator: APIClient, body: dict[str, Any]) -> None:
    row = advisory()
    assert snooze(operator, row, body).status_code == 422
    row.refresh_from_db()
    assert (row.snoozed_until, row.version) == (None, 1)


def test_agents_and_viewers_put_nothing_off_and_strangers_see_nothing(operator: APIClient) -> None:
    row = advisory()
    for client, status in (
        (client_of(person("viewer")), 403), (world.token_client(world.agent()), 403), (APIClient(), 401),
    ):  # fmt: skip
        assert snooze(client, row, {"minutes": 5}).status_code == status
    row.pk = 999_999
    assert snooze(operator, row, {"minutes": 5}).status_code == 404


def test_what_is_resolved_or_was_read_before_it_changed_is_not_put_off(operator: APIClient) -> None:
    row = advisory()
    assert snooze(operator, row, {"minutes": 5}, HTTP_IF_MATCH='"7"').status_code == 412
    done = advisory(resolved_at=timezone.now())
    assert snooze(operator, done, {"minutes": 5}).status_code == 409


def test_what_is_put_off_waits_for_nobody_until_then(operator: APIClient) -> None:
    row, now = advisory(), timezone.now()
    assert row.task is not None
    agent = row.task.agent
    assert agent is not None
    assert (waiting(), len(briefings.advice_for(agent, now))) == (1, 1)
    snooze(operator, row, {"minutes": 5})
    assert (waiting(), briefings.advice_for(agent, now)) == (0, [])
    assert needs.badges()["needs"] == 0
    assert briefings.advice_for(agent, now + timedelta(minutes=6))
    context = operator.get(f"/api/tasks/{row.task.key}/context").json()
    assert "advisories" not in [section["section"] for section in context["sections"]]
    snooze(operator, row, {"until": None})
    assert waiting() == 1


def test_the_list_tells_what_is_put_off(operator: APIClient) -> None:
    off, on = advisory(), advisory()
    snooze(operator, off, {"minutes": 5})
    for query, expected in (("true", off), ("false", on)):
        found = operator.get(f"/api/advisories?snoozed={query}").json()["results"]
        assert [each["id"] for each in found] == [expected.pk]
    assert operator.get("/api/advisories?snoozed=later").status_code == 400


def test_what_is_put_off_still_resolves(operator: APIClient) -> None:
    row = advisory(cause="overdue:task:0")
    snooze(operator, row, {"minutes": 5})
    assert adviser.review(now=timezone.now()) == (0, 1)
    row.refresh_from_db()
    assert row.resolved_at is not None


def test_a_cause_that_comes_back_while_it_is_put_off_waits_for_nobody(operator: APIClient) -> None:
    mission = world.mission(deadline=timezone.now())

    def again(after: timedelta = timedelta(0)) -> Advisory:
        """The deadline is moved, and moved back."""
        causes.revise(mission, deadline=None)
        assert adviser.review(now=timezone.now() + after) == (0, 1)
        causes.revise(mission, deadline=timezone.now())
        assert adviser.review(now=timezone.now() + after) == (1, 0)
        return Advisory.objects.open().get()

    assert adviser.review(now=timezone.now()) == (1, 0)
    first = Advisory.objects.get()
    snooze(operator, first, {"minutes": 60})
    first.refresh_from_db()
    second = again()
    assert (second.snoozed_until, second.version) == (first.snoozed_until, 1)
    told = Entry.objects.filter(kind="advisory.opened").order_by("id")
    assert [naming.needs_a_person(each.kind, each.data) for each in told] == [True, False]
    assert waiting() == 0
    assert again(timedelta(minutes=61)).snoozed_until is None
    assert waiting() == 1


def test_a_cause_that_was_taken_up_again_is_not_put_off_when_it_comes_back(operator: APIClient) -> None:
    mission = world.mission(deadline=timezone.now())
    for minutes in (60, None):
        adviser.review(now=timezone.now())
        row = Advisory.objects.open().get()
        snooze(operator, row, {"minutes": minutes} if minutes else {"until": None})
        causes.revise(mission, deadline=None)
        adviser.review(now=timezone.now())
        causes.revise(mission, deadline=timezone.now())
    adviser.review(now=timezone.now())
    assert Advisory.objects.open().get().snoozed_until is None


def test_the_database_takes_no_snooze_that_is_not_told() -> None:
    row = advisory()
    with pytest.raises(IntegrityError, match="came without an entry"):
        put_off_untold(row)


@pytest.mark.parametrize(("verb", "away"), [("hour", 1), ("day", 24), ("week", 168)])
def test_the_page_puts_it_off_and_takes_it_up_again(client: Client, verb: str, away: int) -> None:
    row = advisory()
    assert row.task is not None
    client.force_login(person("operator"))
    for page in ("/", f"/tasks/{row.task.key}"):
        assert f"/advisories/{row.pk}/do/snooze-{verb}" in client.get(page).content.decode()
    before = timezone.now()
    assert client.post(f"/advisories/{row.pk}/do/snooze-{verb}", {}, JSON).status_code == 200
    row.refresh_from_db()
    assert row.snoozed_until is not None
    assert timedelta(0) <= row.snoozed_until - before - timedelta(hours=away) < timedelta(minutes=1)
    assert f"/advisories/{row.pk}/do" not in client.get("/").content.decode()
    page = client.get(f"/tasks/{row.task.key}").content.decode()
    assert "Put off until" in page
    assert "put off advice on" in page
    assert client.post(f"/advisories/{row.pk}/do/take-up", {}, JSON).status_code == 200
    row.refresh_from_db()
    assert row.snoozed_until is None
    assert "took up again advice on" in client.get(f"/tasks/{row.task.key}").content.decode()


def test_what_has_no_page_of_its_own_is_told_in_words() -> None:
    telling.advisory(
        cause="requirement_without_work:key_result:1",
        kind="requirement_without_work",
        severity="info",
        message="4 requirements have no task.",
        opened_at=timezone.now(),
    )
    [line] = stories.tell(*rows.titled(Entry.objects.filter(kind="advisory.opened")))
    assert (line.words, line.about) == ("advises:", "4 requirements have no task.")


def test_the_admin_puts_off_and_takes_up(client: Client) -> None:
    row = advisory()
    client.force_login(person("admin"))
    for action, is_off in (("snooze", True), ("take_up", False)):
        chosen = {"action": action, "_selected_action": [row.pk]}
        assert client.post("/admin/missions/advisory/", chosen).status_code == 302
        row.refresh_from_db()
        assert (row.snoozed_until is not None) == is_off
