"""`POST /api/knowledge/search`: what comes back, what is refused, who may, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from coordinator.lib.refs import Ref
from knowledge.models import Document
from missions.services import planning
from tests.factories import client_of, person, service
from tests.knowledge.documents import known, store
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
URL = "/api/knowledge/search"
CAR = "My vehicle's engine is dead since this morning."
BREAD = "Bake the sourdough until its crust is golden."


@pytest.fixture
def viewer() -> APIClient:
    return client_of(person("viewer"))


@pytest.fixture
def shelf() -> dict[str, Document]:
    mission = planning.create_mission(mission_id="m-1", goal="Drive", actor=SYSTEM, now=timezone.now())
    about = Ref(mission.pk, mission.key)
    return {
        "car": known(CAR, title="Breakdown", mission=about, tags=["garage", "daily"], metadata={"level": 1}),
        "bread": known(BREAD, title="Kitchen", kind="lesson", tags=["daily"]),
    }


def asked(client: APIClient, query: str, **options: Any) -> Any:
    answer = client.post(URL, {"query": query, **options}, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def titles(answer: Any) -> list[str]:
    return [hit["document"]["title"] for hit in answer["results"]]


def test_a_document_is_found_by_meaning(viewer: APIClient, shelf: dict[str, Document]) -> None:
    answer = asked(viewer, "the car will not start", mode="semantic", limit=1)
    assert (answer["mode"], answer["degraded"], titles(answer)) == ("semantic", False, ["Breakdown"])
    hit = answer["results"][0]
    assert hit["passage"] == {"ordinal": 0, "heading_path": "Breakdown", "text": CAR}
    assert 0.3 < hit["score"] <= 1
    shown = viewer.get(f"/api/knowledge/documents/{hit['document']['id']}").json()
    assert hit["document"] == {name: value for name, value in shown.items() if name != "content"}
    assert titles(asked(viewer, "the car will not start", mode="text")) == []


def test_without_a_mode_words_and_meaning_are_asked_and_words_are_marked(
    viewer: APIClient, shelf: dict[str, Document]
) -> None:
    answer = asked(viewer, "a golden loaf")
    assert (answer["mode"], titles(answer)[0]) == ("hybrid", "Kitchen")
    assert answer["results"][0]["highlights"] == ["Bake the sourdough until its crust is **golden**"]


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"mission": "m-1"}, {"Breakdown"}),
        ({"tags": ["daily"]}, {"Breakdown", "Kitchen"}),
        ({"tags": ["daily", "garage"]}, {"Breakdown"}),
        ({"kind": "lesson"}, {"Kitchen"}),
        ({"metadata": {"level": 1}}, {"Breakdown"}),
        ({"kind": "lesson", "mission": "m-1"}, set()),
        ({}, {"Breakdown", "Kitchen"}),
    ],
)
def test_a_filter_narrows_the_search(
    viewer: APIClient, shelf: dict[str, Document], narrowed: dict[str, Any], expected: set[str]
) -> None:
    assert set(titles(asked(viewer, "engine crust", filter=narrowed))) == expected


def test_without_its_embedder_a_search_answers_by_words_and_says_so(
    viewer: APIClient, shelf: dict[str, Document], settings: Settings
) -> None:
    settings.KNOWLEDGE_EMBEDDING_MODEL_PATH = "/nowhere/model.onnx"
    for mode in ("hybrid", "semantic"):
        answer = asked(viewer, "sourdough", mode=mode)
        assert (answer["mode"], answer["degraded"], titles(answer)) == (mode, True, ["Kitchen"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query": " "}, "query"),
        ({"query": "x" * 10_001}, "query"),
        ({"query": 7}, "query"),
        ({"query": "a\x00b"}, "query"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"mode": "magic"}, "mode"),
        ({"filter": {"mission": "m-9"}}, "filter.mission"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"kind": "gossip"}}, "filter.kind"),
        ({"filter": []}, "filter"),
        ({"page": 2}, "page"),
    ],
)
def test_a_bad_field_is_named(viewer: APIClient, change: dict[str, Any], field: str) -> None:
    refused = viewer.post(URL, {"query": "engine", **change}, format="json")
    assert (refused.status_code, list(refused.json()["errors"])) == (422, [field])


def test_every_account_with_a_token_may_search_and_a_stranger_may_not(shelf: dict[str, Document]) -> None:
    for account in (person("viewer"), person("operator"), service()):
        assert titles(asked(client_of(account), "sourdough", mode="text")) == ["Kitchen"]
    assert APIClient().post(URL, {"query": "sourdough"}, format="json").status_code == 401
    narrow = client_of(person("operator"), {"tasks:read"})
    assert narrow.post(URL, {"query": "sourdough"}, format="json").status_code == 403


def test_a_search_costs_the_same_for_few_and_for_many(viewer: APIClient, shelf: dict[str, Document]) -> None:
    asked(viewer, "engine", mode="text")
    costs = []
    for more in (0, 30):
        for number in range(more):
            store(f"Engine number {number}.")
        with CaptureQueriesContext(connection) as statements:
            assert len(asked(viewer, "engine", limit=100)["results"]) == 2 + more
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 8
