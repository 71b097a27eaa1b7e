"""Sprints over the API: the contract's fields and codes, who may, and what it costs."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from missions.models import Task
from sprints.models import Sprint
from tests.factories import client_of, person, service
from tests.sprints.conftest import day, done, sprint_of
from traceability.models import Entry

pytestmark = pytest.mark.django_db
BODY = {"sprint_id": "s-1", "name": "June", "goal": "Ship", "start_date": "2026-06-01", "end_date": "2026-06-14"}


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator"))


def test_a_sprint_is_made_shown_and_listed(operator: APIClient) -> None:
    made = operator.post("/api/sprints", {"sprint": BODY}, format="json")
    assert made.status_code == 201
    assert made["ETag"] == '"1"'
    told = made.json()
    assert BODY.items() <= told.items()
    assert (told["status"], told["started_at"], told["version"]) == ("planned", None, 1)
    for key in ("s-1", told["id"]):
        assert operator.get(f"/api/sprints/{key}").json() == told
    assert operator.get("/api/sprints").json()["results"] == [told]


def test_a_sprint_without_a_sprint_id_gets_one(operator: APIClient) -> None:
    body = {name: value for name, value in BODY.items() if name != "sprint_id"}
    made = operator.post("/api/sprints", body, format="json").json()
    assert made["sprint_id"].startswith("sprint-")


def test_a_sprint_is_started_completed_and_no_more(operator: APIClient) -> None:
    operator.post("/api/sprints", BODY, format="json")
    early = operator.post("/api/sprints/s-1/complete")
    assert early.status_code == 422
    assert "Open moves: active" in early.json()["detail"]
    begun = operator.post("/api/sprints/s-1/start")
    assert (begun.status_code, begun.json()["status"], begun["ETag"]) == (200, "active", '"2"')
    assert operator.post("/api/sprints/s-1/start").status_code == 422
    ended = operator.post("/api/sprints/s-1/complete", {}, format="json").json()
    assert (ended["status"], ended["completed_at"] is not None) == ("completed", True)
    again = operator.post("/api/sprints/s-1/start").json()
    assert again["type"] == "urn:coordinator:problem:sprint-already-closed"


def test_a_patch_changes_and_moves_together_or_not_at_all(operator: APIClient) -> None:
    operator.post("/api/sprints", BODY, format="json")
    both = operator.patch("/api/sprints/s-1", {"goal": "More", "status": "active"}, format="json").json()
    assert (both["goal"], both["status"]) == ("More", "active")
    refused = operator.patch("/api/sprints/s-1", {"goal": "Less", "status": "planned"}, format="json")
    assert refused.status_code == 422
    assert operator.get("/api/sprints/s-1").json()["goal"] == "More"


@pytest.mark.parametrize("path", ["", "/start"])
def test_an_old_etag_changes_nothing(operator: APIClient, path: str) -> None:
    operator.post("/api/sprints", BODY, format="json")
    operator.patch("/api/sprints/s-1", {"goal": "More"}, format="json")
    ask = operator.post if path else operator.patch
    body = {} if path else {"goal": "Less"}
    stale = ask(f"/api/sprints/s-1{path}", body, format="json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    shown = operator.get("/api/sprints/s-1").json()
    assert (shown["goal"], shown["status"]) == ("More", "planned")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end_date": "2026-05-31"}, "end_date"),
        ({"end_date": "2036-05-31"}, "end_date"),
        ({"start_date": "tomorrow"}, "start_date"),
        ({"start_date": None}, "start_date"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"status": "completed"}, "status"),
        ({"status": "open"}, "status"),
        ({"sprint_id": "12"}, "sprint_id"),
        ({"sprint_id": "a b"}, "sprint_id"),
        ({"velocity": 3}, "velocity"),
        ({"started_at": "2026-06-01T00:00:00Z"}, "started_at"),
    ],
)
def test_a_bad_body_is_422_and_names_the_field(operator: APIClient, change: dict[str, Any], field: str) -> None:
    answer = operator.post("/api/sprints", {**BODY, **change}, format="json")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert not Sprint.objects.exists()


def test_a_taken_sprint_id_is_409(operator: APIClient) -> None:
    operator.post("/api/sprints", BODY, format="json")
    assert operator.post("/api/sprints", BODY, format="json").status_code == 409


def test_the_list_is_filtered_and_refuses_what_it_does_not_know(operator: APIClient) -> None:
    sprint_of(sprint_id="a", name="Alpha")
    sprint_of(sprint_id="b", name="Beta", status="active")

    def keys(query: str) -> list[str]:
        return [each["sprint_id"] for each in operator.get(f"/api/sprints?{query}").json()["results"]]

    assert keys("status=active") == ["b"]
    assert keys("status=active,planned") == ["a", "b"]
    assert keys("q=alph") == ["a"]
    for query in ("status=open", "colour=red", "page_size=0", "cursor=x"):
        assert operator.get(f"/api/sprints?{query}").status_code == 400


def test_the_burn_down_and_the_velocity_are_shown(operator: APIClient, task_in: Callable[..., Task]) -> None:
    sprint = sprint_of(1, 2, sprint_id="s-2")
    done(task_in(sprint, day(1, 0)), day(1))
    task_in(sprint, day(1, 0))
    shown = operator.get("/api/sprints/s-2/burndown").json()
    assert (shown["sprint"], shown["scope"], shown["completed"], shown["remaining"]) == ("s-2", 2, 1, 1)
    assert shown["days"][0] == {"date": "2026-06-01", "ideal": 1.0, "scope": 2, "completed": 1, "remaining": 1}
    assert operator.get("/api/sprints/velocity").json() == {"sprints": [], "average": None}
    for step in ("start", "complete"):
        operator.post(f"/api/sprints/s-2/{step}")
    paced = operator.get("/api/sprints/velocity").json()
    assert paced["average"] == 1.0
    assert [(each["sprint"], each["scope"], each["completed"]) for each in paced["sprints"]] == [("s-2", 2, 1)]


def test_days_to_come_have_no_figures(operator: APIClient) -> None:
    sprint_of(sprint_id="far", start_date=date(2126, 6, 1), end_date=date(2126, 6, 3))
    days = operator.get("/api/sprints/far/burndown").json()["days"]
    assert [each["remaining"] for each in days] == [None] * 3


PATHS = [
    ("get", "/api/sprints", "sprints:read", 200),
    ("get", "/api/sprints/s-1", "sprints:read", 200),
    ("get", "/api/sprints/s-1/burndown", "sprints:read", 200),
    ("get", "/api/sprints/velocity", "sprints:read", 200),
    ("post", "/api/sprints", "sprints:write", 422),
    ("patch", "/api/sprints/s-1", "sprints:write", 200),
    ("post", "/api/sprints/s-1/start", "sprints:write", 200),
    ("post", "/api/sprints/s-1/complete", "sprints:write", 422),
]
"""With an empty body, on a planned sprint."""


@pytest.mark.parametrize(("verb", "path", "scope", "status"), PATHS)
def test_who_may(verb: str, path: str, scope: str, status: int) -> None:
    sprint_of(sprint_id="s-1")
    assert getattr(APIClient(), verb)(path, {}, format="json").status_code == 401
    other = client_of(person("operator"), ["tasks:read"])
    assert getattr(other, verb)(path, {}, format="json").status_code == 403
    for account in (person("viewer"), service()):
        code = getattr(client_of(account), verb)(path, {}, format="json").status_code
        assert code == (200 if scope == "sprints:read" else 403)
    assert getattr(client_of(person("operator"), [scope]), verb)(path, {}, format="json").status_code == status


@pytest.mark.parametrize("path", ["", "/start", "/complete", "/burndown"])
def test_a_sprint_that_is_not_there_is_404(operator: APIClient, path: str) -> None:
    ask = {"": operator.get, "/burndown": operator.get}.get(path, operator.post)
    for key in ("none", "999999", "%00"):
        assert ask(f"/api/sprints/{key}{path}").status_code == 404


def test_the_list_costs_the_same_for_one_and_for_many(operator: APIClient, django_assert_num_queries: Any) -> None:
    operator.get("/api/sprints")
    for _ in range(6):
        sprint_of()
    with django_assert_num_queries(2):
        assert len(operator.get("/api/sprints").json()["results"]) == 6


def test_who_changed_it_is_told(operator: APIClient) -> None:
    operator.post("/api/sprints", BODY, format="json", headers={"X-Request-Id": "asked-here"})
    told = Entry.objects.get(kind="sprint.created")
    assert (told.actor_kind, told.request_id, told.subject_key, told.stream) == ("person", "asked-here", "s-1", "org")
    assert told.data["fields"]["end_date"] == "2026-06-14"
