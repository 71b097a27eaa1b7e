"""Advisories over the API: read by everyone who may, acknowledged by people."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from missions.models import Advisory
from missions.supervision import adviser
from tests import telling
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def advisory(**fields: Any) -> Advisory:
    row = world.task()
    given = {"kind": "overdue", "severity": "warning", "message": "Late.", "mission": row.mission, "task": row}
    return telling.advisory(**{**given, "cause": unique("c"), "opened_at": timezone.now(), **fields})


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200
    return [each["id"] for each in answer.json()["results"]]


def test_advisories_are_listed_filtered_and_shown(operator: APIClient) -> None:
    first = advisory(severity="critical")
    second = advisory(kind="budget", resolved_at=timezone.now())
    assert ids(operator.get("/api/advisories")) == [first.pk, second.pk]
    assert first.task is not None
    assert first.mission is not None
    for query in (
        "open=true", "severity=critical", "kind=overdue", f"task={first.task.key}", f"mission={first.mission.pk}",
    ):  # fmt: skip
        assert ids(operator.get(f"/api/advisories?{query}")) == [first.pk], query
    assert ids(operator.get("/api/advisories?open=false")) == [second.pk]
    shown = operator.get(f"/api/advisories/{first.pk}").json()
    assert (shown["message"], shown["task"], shown["acknowledged_at"]) == ("Late.", first.task.key, None)


@pytest.mark.parametrize("query", ["kind=nothing", "severity=mild", "open=perhaps", "colour=red"])
def test_an_unknown_filter_or_value_is_400(operator: APIClient, query: str) -> None:
    assert operator.get(f"/api/advisories?{query}").status_code == 400


def test_a_person_acknowledges_once_and_it_stays_open() -> None:
    me, row = person(), advisory()
    for _ in range(2):
        answer = client_of(me).post(f"/api/advisories/{row.pk}/acknowledge", {}, format="json")
        assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, me.email)
    assert answer.json()["resolved_at"] is None
    assert Entry.objects.filter(kind="advisory.acknowledged").count() == 1


def test_an_advisory_is_acknowledged_as_it_was_read_or_not_at_all(operator: APIClient) -> None:
    row = advisory(cause="overdue:task:0")
    address = f"/api/advisories/{row.pk}"
    read = operator.get(address)
    assert (read["ETag"], read.json()["version"]) == ('"1"', 1)
    assert adviser.review(now=timezone.now()) == (0, 1)
    stale = operator.post(f"{address}/acknowledge", {}, format="json", HTTP_IF_MATCH=read["ETag"])
    assert (stale.status_code, operator.get(address).json()["acknowledged_at"]) == (412, None)
    answer = operator.post(f"{address}/acknowledge", {}, format="json", HTTP_IF_MATCH='"2"')
    assert (answer.status_code, answer["ETag"]) == (200, '"3"')


def test_agents_and_viewers_read_advisories_and_acknowledge_none() -> None:
    row = advisory()
    for client in (client_of(person("viewer")), world.token_client(world.agent())):
        assert client.get(f"/api/advisories/{row.pk}").status_code == 200
        assert client.post(f"/api/advisories/{row.pk}/acknowledge", {}, format="json").status_code == 403
    row.refresh_from_db()
    assert row.acknowledged_at is None


@pytest.mark.parametrize("key", ["0", "nothing", "9" * 25])
def test_an_advisory_that_is_not_there_is_404(operator: APIClient, key: str) -> None:
    assert operator.get(f"/api/advisories/{key}").status_code == 404
    assert operator.post(f"/api/advisories/{key}/acknowledge", {}, format="json").status_code == 404


def test_an_acknowledgement_takes_no_fields(operator: APIClient) -> None:
    assert operator.post(f"/api/advisories/{advisory().pk}/acknowledge", {"a": 1}, format="json").status_code == 422


def test_the_list_costs_the_same_for_one_and_for_many(operator: APIClient, django_assert_num_queries: Any) -> None:
    for _ in range(4):
        advisory(agent=world.agent(), acknowledged_by=person(), acknowledged_at=timezone.now())
    operator.get("/api/advisories")
    with django_assert_num_queries(2):
        assert len(ids(operator.get("/api/advisories"))) == 4
