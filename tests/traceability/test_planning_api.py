"""Objectives, key results and requirements over the API: fields, codes, filters, who may, and what it costs."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import client_of, person, service
from tests.traceability.plans import key_result, mission, objective, requirement, task
from traceability.models import Entry, KeyResult, Objective, Requirement

pytestmark = pytest.mark.django_db
OBJECTIVE = {"objective_id": "o-1", "title": "Fast", "description": "", "owner": "ada@example.org", "status": "active"}
RESULT = {
    "kr_id": "k-1",
    "title": "p99",
    "start": "200",
    "target": "50",
    "current": "125.5",
    "unit": "ms",
    "weight": "2",
}
REQUIREMENT = {
    "requirement_id": "r-1", "title": "Cache", "description": "Read once", "key_result": "k-1",
    "priority": "p1", "horizon": "h2", "status": "approved",
}  # fmt: skip


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator"))


@pytest.fixture
def planned(operator: APIClient) -> APIClient:
    """A client that has made one of each."""
    assert operator.post("/api/objectives", OBJECTIVE, format="json").status_code == 201
    assert operator.post("/api/objectives/o-1/key_results", RESULT, format="json").status_code == 201
    assert operator.post("/api/requirements", REQUIREMENT, format="json").status_code == 201
    return operator


PLACES = [
    ("objective", "/api/objectives", "/api/objectives/o-1", OBJECTIVE),
    ("key_result", "/api/objectives/o-1/key_results", "/api/key_results/k-1", RESULT),
    ("requirement", "/api/requirements", "/api/requirements/r-1", REQUIREMENT),
]


@pytest.mark.parametrize(("noun", "many", "one", "body"), PLACES)
def test_each_is_made_listed_and_shown(
    planned: APIClient, noun: str, many: str, one: str, body: dict[str, Any]
) -> None:
    shown = planned.get(one)
    told = shown.json()
    assert body.items() <= told.items()
    assert (shown["ETag"], told["version"]) == ('"1"', 1)
    assert planned.get(one.rsplit("/", 1)[0] + f"/{told['id']}").json() == told
    assert planned.get(many).json()["results"] == [told]


@pytest.mark.parametrize(("noun", "many", "one", "body"), PLACES)
def test_each_takes_its_body_wrapped_and_makes_a_key(
    planned: APIClient, noun: str, many: str, one: str, body: dict[str, Any]
) -> None:
    made = planned.post(many, {noun: {"title": "Bare"}}, format="json")
    assert made.status_code == 201
    key = next(value for name, value in made.json().items() if name in {"objective_id", "kr_id", "requirement_id"})
    assert "-" in key


@pytest.mark.parametrize(("noun", "many", "one", "body"), PLACES)
def test_each_is_revised_and_an_old_etag_changes_nothing(
    planned: APIClient, noun: str, many: str, one: str, body: dict[str, Any]
) -> None:
    revised = planned.patch(one, {"title": "New"}, format="json", headers={"If-Match": '"1"'})
    assert (revised.status_code, revised["ETag"], revised.json()["title"]) == (200, '"2"', "New")
    stale = planned.patch(one, {"title": "Newer"}, format="json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert planned.get(one).json()["title"] == "New"


@pytest.mark.parametrize(("noun", "many", "one", "body"), PLACES)
def test_a_taken_key_is_409_and_one_that_names_nothing_404(
    planned: APIClient, noun: str, many: str, one: str, body: dict[str, Any]
) -> None:
    assert planned.post(many, body, format="json").status_code == 409
    for key in ("none", "99999999", "%00"):
        assert planned.get(one.rsplit("/", 1)[0] + f"/{key}").status_code == 404
    assert planned.delete(one).status_code == 405


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/objectives", {}, "title"),
        ("/api/objectives", {"title": ""}, "title"),
        ("/api/objectives", {"title": "x" * 501}, "title"),
        ("/api/objectives", {"title": "a", "status": "late"}, "status"),
        ("/api/objectives", {"title": "a", "progress": 1}, "progress"),
        ("/api/objectives", {"title": "a", "colour": "red"}, "colour"),
        ("/api/objectives", {"title": "a", "objective_id": "7"}, "objective_id"),
        ("/api/objectives", {"title": "a", "objective_id": "a b"}, "objective_id"),
        ("/api/objectives/o-1/key_results", {"title": "a", "target": "0"}, "target"),
        ("/api/objectives/o-1/key_results", {"title": "a", "target": "much"}, "target"),
        ("/api/objectives/o-1/key_results", {"title": "a", "target": "NaN"}, "target"),
        ("/api/objectives/o-1/key_results", {"title": "a", "target": True}, "target"),
        ("/api/objectives/o-1/key_results", {"title": "a", "target": "1e400"}, "target"),
        ("/api/objectives/o-1/key_results", {"title": "a", "current": "0.1234567"}, "current"),
        ("/api/objectives/o-1/key_results", {"title": "a", "weight": "-1"}, "weight"),
        ("/api/objectives/o-1/key_results", {"title": "a", "objective": "o-2"}, "objective"),
        ("/api/requirements", {"title": "a", "key_result": "none"}, "key_result"),
        ("/api/requirements", {"title": "a", "key_result": 1.5}, "key_result"),
        ("/api/requirements", {"title": "a", "priority": "p4"}, "priority"),
        ("/api/requirements", {"title": "a", "horizon": "h0"}, "horizon"),
        ("/api/requirements", {"title": "a", "revision": 4}, "revision"),
        ("/api/requirements", {"title": ["a"]}, "title"),
    ],
)
def test_a_bad_body_is_422_and_names_the_field(
    operator: APIClient, path: str, body: dict[str, Any], field: str
) -> None:
    objective(objective_id="o-1")
    answer = operator.post(path, body, format="json")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert (Objective.objects.count(), KeyResult.objects.count(), Requirement.objects.count()) == (1, 0, 0)


def test_amounts_are_text_and_numbers_are_taken_too(planned: APIClient) -> None:
    told = planned.patch("/api/key_results/k-1", {"current": 80, "target": 50.25}, format="json").json()
    assert (told["current"], told["target"], told["start"]) == ("80", "50.25", "200")
    assert told["progress"] == 0.8013
    assert planned.get("/api/objectives/o-1").json()["progress"] == 0.8013
    assert told["objective"] == "o-1"


def test_other_words_make_a_new_revision(planned: APIClient) -> None:
    told = planned.patch("/api/requirements/r-1", {"title": "Cache more", "status": "draft"}, format="json").json()
    assert (told["revision"], told["version"], told["status"]) == (2, 2, "draft")
    assert planned.patch("/api/requirements/r-1", {"key_result": None}, format="json").json()["revision"] == 2


def test_requirements_are_filtered(operator: APIClient) -> None:
    result = key_result(kr_id="k-1")
    served = requirement(result, requirement_id="a", priority="p0")
    requirement(requirement_id="b", horizon="h3", status="approved", title="Sturdy")
    serving = mission()
    task(serving, served)
    task(serving, served)

    def keys(query: str) -> list[str]:
        answer = operator.get(f"/api/requirements?{query}")
        assert answer.status_code == 200
        return [each["requirement_id"] for each in answer.json()["results"]]

    assert keys("priority=p0") == keys("covered=true") == keys("key_result=k-1") == ["a"]
    assert keys(f"objective={result.objective.pk}") == ["a"]
    assert keys("covered=false") == keys("status=approved") == keys("horizon=h3") == keys("q=sturd") == ["b"]
    assert keys("key_result=none") == []
    for query in ("priority=p9", "covered=maybe", "colour=red", "status="):
        assert operator.get(f"/api/requirements?{query}").status_code == 400


def test_pages_follow_each_other(operator: APIClient) -> None:
    for number in range(5):
        objective(objective_id=f"o-{number}")
    first = operator.get("/api/objectives?page_size=2").json()
    second = operator.get(first["next"]).json()
    assert [each["objective_id"] for each in first["results"] + second["results"]] == ["o-0", "o-1", "o-2", "o-3"]


PATHS = [
    ("get", "/api/objectives", "planning:read"),
    ("get", "/api/objectives/o-1", "planning:read"),
    ("get", "/api/objectives/o-1/key_results", "planning:read"),
    ("get", "/api/key_results/k-1", "planning:read"),
    ("get", "/api/requirements", "planning:read"),
    ("get", "/api/requirements/r-1", "planning:read"),
    ("get", "/api/traceability", "planning:read"),
    ("get", "/api/traceability/export", "planning:read"),
    ("post", "/api/objectives", "planning:write"),
    ("patch", "/api/objectives/o-1", "planning:write"),
    ("post", "/api/objectives/o-1/key_results", "planning:write"),
    ("patch", "/api/key_results/k-1", "planning:write"),
    ("post", "/api/requirements", "planning:write"),
    ("patch", "/api/requirements/r-1", "planning:write"),
    ("post", "/api/traceability/import", "planning:write"),
]


@pytest.mark.parametrize(("verb", "path", "scope"), PATHS)
def test_who_may(verb: str, path: str, scope: str) -> None:
    requirement(key_result(objective(objective_id="o-1"), kr_id="k-1"), requirement_id="r-1")

    def code(client: APIClient) -> int:
        body = {} if verb == "get" else {"colour": "red"}
        return int(getattr(client, verb)(path, body, format="json" if body else None).status_code)

    assert code(APIClient()) == 401
    assert code(client_of(person("operator"), ["tasks:read"])) == 403
    for account in (person("viewer"), service()):
        assert code(client_of(account)) == (200 if scope == "planning:read" else 403)
    assert code(client_of(person("operator"), [scope])) == (200 if verb == "get" else 422)


@pytest.mark.parametrize(
    ("path", "most"), [("/api/objectives", 3), ("/api/objectives/o-1/key_results", 3), ("/api/requirements", 2)]
)
def test_lists_cost_the_same_for_one_and_for_many(
    operator: APIClient, path: str, most: int, django_assert_num_queries: Any
) -> None:
    goal = objective(objective_id="o-1")
    for _ in range(6):
        requirement(key_result(goal))
        key_result()
    operator.get(path)
    with django_assert_num_queries(most):
        assert len(operator.get(path).json()["results"]) >= 6


def test_who_changed_it_is_told(planned: APIClient) -> None:
    planned.patch("/api/objectives/o-1", {"title": "New"}, format="json", headers={"X-Request-Id": "asked-here"})
    told = Entry.objects.get(kind="objective.updated")
    assert (told.actor_kind, told.request_id, told.subject_key, told.stream) == ("person", "asked-here", "o-1", "org")
