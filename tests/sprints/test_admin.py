"""Sprints in the admin: through the same services, and lists that cost the same for one and for many."""

from typing import Any

import pytest
from django.test import Client

from sprints.models import Sprint
from tests.factories import person
from tests.sprints.conftest import sprint_of
from traceability.models import Entry

pytestmark = pytest.mark.django_db
URL = "/admin/sprints/sprint/"
FORM = {"sprint_id": "s-1", "name": "June", "goal": "", "start_date": "2026-06-01", "end_date": "2026-06-14"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(person("operator", email="op@example.org"))
    return client


def test_a_sprint_is_made_and_moved_through_the_service(operator: Client) -> None:
    assert operator.post(f"{URL}add/", {**FORM, "status": "planned"}).status_code == 302
    sprint = Sprint.objects.get(sprint_id="s-1")
    changed = operator.post(f"{URL}{sprint.pk}/change/", {**FORM, "goal": "Ship", "status": "active"})
    assert changed.status_code == 302
    told = Entry.objects.of_kind("sprint").order_by("pk")
    assert [entry.kind for entry in told] == ["sprint.created", "sprint.updated", "sprint.moved"]
    assert {entry.actor_name for entry in told} == {"op@example.org"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"end_date": "2026-05-01"}, "A sprint ends on or after its start"),
        ({"end_date": "2036-05-01"}, "A sprint lasts at most 366 days"),
        ({"status": "completed"}, "A new sprint is planned or active"),
        ({"sprint_id": "a b"}, "starting with a letter or digit"),
    ],
)
def test_what_is_refused_is_said_at_the_form(operator: Client, change: dict[str, str], told: str) -> None:
    answer = operator.post(f"{URL}add/", {**FORM, "status": "planned", **change})
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not Sprint.objects.exists()


def test_sprints_are_started_and_completed_by_an_action(operator: Client) -> None:
    rows = [sprint_of().pk for _ in range(2)]
    for action, status in (("start", "active"), ("complete", "completed")):
        operator.post(URL, {"action": action, "_selected_action": rows})
        assert set(Sprint.objects.values_list("status", flat=True)) == {status}
    told = operator.post(URL, {"action": "start", "_selected_action": rows}, follow=True).content.decode()
    assert "cannot become active" in told


def test_a_viewer_sees_and_changes_nothing(client: Client) -> None:
    sprint = sprint_of()
    client.force_login(person("viewer"))
    assert client.get(URL).status_code == 200
    assert client.get(f"{URL}{sprint.pk}/change/").status_code == 200
    assert client.post(f"{URL}{sprint.pk}/change/", {**FORM, "status": "active"}).status_code == 403
    client.post(URL, {"action": "start", "_selected_action": [sprint.pk]})
    assert Sprint.objects.get().status == "planned"


def test_the_list_costs_the_same_for_one_and_for_many(operator: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(6):
        sprint_of()
    operator.get(URL)
    with django_assert_max_num_queries(9):
        assert operator.get(f"{URL}?q=sprint").status_code == 200
