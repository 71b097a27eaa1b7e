"""Documents over the API: the contract's fields and codes, who may, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from knowledge.models import Document
from missions.models import Task
from missions.services import planning
from tests.factories import client_of, person, service
from tests.knowledge.documents import store
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
URL = "/api/knowledge/documents"
BODY: dict[str, Any] = {
    "document_id": "adr-7",
    "title": "Leases",
    "content": "# Leases\n\nA claim ends with its lease.",
    "kind": "decision",
    "metadata": {"level": 1, "area": {"name": "core"}},
    "tags": ["claims", "adr"],
}


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator", email="op@example.org"))


@pytest.fixture
def task() -> Task:
    """The task t-1 of the mission m-1."""
    now = timezone.now()
    mission = planning.create_mission(mission_id="m-1", goal="Ship", actor=SYSTEM, now=now)
    return planning.create_task(mission=mission, task_id="t-1", objective="Write", actor=SYSTEM, now=now)


def test_a_document_is_stored_shown_and_listed(operator: APIClient) -> None:
    made = operator.post(URL, {"document": BODY}, format="json")
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    told = made.json()
    assert BODY.items() <= told.items()
    assert (told["author"], told["index_state"], told["mission"], told["version"]) == (
        "op@example.org",
        "pending",
        None,
        1,
    )
    for key in ("adr-7", told["id"]):
        shown = operator.get(f"{URL}/{key}")
        assert (shown.json(), shown["ETag"]) == (told, '"1"')
    listed = operator.get(URL).json()["results"]
    assert listed == [{name: value for name, value in told.items() if name != "content"}]


def test_content_alone_is_enough(operator: APIClient) -> None:
    told = operator.post(URL, {"content": "# Night deploys\n\nNever."}, format="json").json()
    assert (told["title"], told["kind"], told["metadata"], told["tags"]) == ("Night deploys", "note", {}, [])
    assert told["document_id"].startswith("doc-")


def test_the_same_content_again_answers_200_with_the_first(operator: APIClient) -> None:
    first = operator.post(URL, BODY, format="json").json()
    again = operator.post(URL, {"content": BODY["content"], "title": "Another"}, format="json")
    assert (again.status_code, again.json(), again["ETag"]) == (200, first, '"1"')
    assert (Document.objects.count(), Entry.objects.of_kind("document").count()) == (1, 1)


def test_a_mission_and_a_task_are_named_by_id_or_key(operator: APIClient, task: Task) -> None:
    by_key = operator.post(URL, {"content": "one", "mission": "m-1", "task": "t-1"}, format="json").json()
    by_id = operator.post(URL, {"content": "two", "mission": task.mission_id, "task": task.pk}, format="json").json()
    assert [(row["mission"], row["task"]) for row in (by_key, by_id)] == [("m-1", "t-1")] * 2
    assert Entry.objects.get(subject_key=by_id["document_id"]).stream == f"mission:{task.mission_id}"
    for name in ("m-1", task.mission_id):
        assert len(operator.get(URL, {"mission": name}).json()["results"]) == 2
    moved = operator.patch(f"{URL}/{by_id['id']}", {"mission": None, "task": None}, format="json").json()
    assert (moved["mission"], moved["task"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mission": "m-9"}, "mission"),
        ({"task": 10**12}, "task"),
        ({"mission": True}, "mission"),
        ({"mission": ["m-1"]}, "mission"),
        ({"content": " \n"}, "content"),
        ({"content": 7}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"title": "x" * 501}, "title"),
        ({"kind": "gossip"}, "kind"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"big": 10**20}}, "metadata.big"),
        ({"tags": "adr"}, "tags"),
        ({"tags": ["x" * 101]}, "tags.0"),
        ({"tags": ["x"] * 51}, "tags"),
        ({"document_id": "12"}, "document_id"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(operator: APIClient, change: dict[str, Any], field: str) -> None:
    refused = operator.post(URL, {**BODY, **change}, format="json")
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    assert list(refused.json()["errors"]) == [field]
    assert not Document.objects.exists()


def test_content_is_required_and_a_key_is_given_once(operator: APIClient) -> None:
    assert list(operator.post(URL, {"title": "T"}, format="json").json()["errors"]) == ["content"]
    operator.post(URL, BODY, format="json")
    refused = operator.post(URL, {**BODY, "content": "Other words."}, format="json")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:coordinator:problem:key-taken")


def test_a_change_is_made_from_the_version_that_was_read(operator: APIClient) -> None:
    operator.post(URL, BODY, format="json")
    changed = operator.patch(f"{URL}/adr-7", {"title": "Leases, again"}, format="json", headers={"If-Match": '"1"'})
    assert (changed.status_code, changed["ETag"], changed.json()["title"]) == (200, '"2"', "Leases, again")
    stale = operator.patch(f"{URL}/adr-7", {"content": "Lost."}, format="json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert operator.delete(f"{URL}/adr-7", headers={"If-Match": '"1"'}).status_code == 412
    assert operator.get(f"{URL}/adr-7").json()["content"] == BODY["content"]


@pytest.mark.parametrize(
    "change", [{"document_id": "adr-8"}, {"content": ""}, {"tags": None}, {"index_state": "ready"}]
)
def test_what_may_not_be_changed_is_refused(operator: APIClient, change: dict[str, Any]) -> None:
    operator.post(URL, BODY, format="json")
    assert operator.patch(f"{URL}/adr-7", change, format="json").status_code == 422
    assert Document.objects.get().version == 1


def test_two_documents_cannot_come_to_say_the_same(operator: APIClient) -> None:
    operator.post(URL, BODY, format="json")
    second = operator.post(URL, {"content": "Other words."}, format="json").json()
    refused = operator.patch(f"{URL}/{second['id']}", {"content": BODY["content"]}, format="json")
    assert refused.status_code == 409
    assert "adr-7" in refused.json()["detail"]


def test_a_removed_document_is_gone(operator: APIClient) -> None:
    operator.post(URL, BODY, format="json")
    assert operator.delete(f"{URL}/adr-7").status_code == 204
    for answer in (operator.get(f"{URL}/adr-7"), operator.delete(f"{URL}/adr-7"), operator.get(f"{URL}/999")):
        assert answer.status_code == 404
    assert operator.get(URL).json()["results"] == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"tag": "adr"}, ["adr-7"]),
        ({"kind": "note"}, ["n-1"]),
        ({"kind": "note,decision"}, ["adr-7", "n-1"]),
        ({"index_state": "pending"}, ["adr-7", "n-1"]),
        ({"q": "LEASE"}, ["adr-7"]),
        ({"mission": "m-9"}, []),
        ({"mission": "9" * 30}, []),
    ],
)
def test_the_list_is_narrowed(operator: APIClient, asked: dict[str, str], expected: list[str]) -> None:
    store(**BODY)
    store("A note.", document_id="n-1")
    assert [row["document_id"] for row in operator.get(URL, asked).json()["results"]] == expected


@pytest.mark.parametrize("asked", [{"colour": "red"}, {"kind": "gossip"}, {"page_size": "0"}, {"tag": "a\x00"}])
def test_a_filter_that_is_not_understood_is_400(operator: APIClient, asked: dict[str, str]) -> None:
    assert operator.get(URL, asked).status_code == 400


def test_the_list_comes_in_pages_that_stay_when_documents_are_added(operator: APIClient) -> None:
    for number in range(5):
        store(f"Text {number}.", document_id=f"d-{number}")
    page = operator.get(URL, {"page_size": 2}).json()
    store("One more.", document_id="d-5")
    seen = [row["document_id"] for row in page["results"]]
    while page["next"]:
        page = operator.get(page["next"]).json()
        seen += [row["document_id"] for row in page["results"]]
    assert seen == [f"d-{number}" for number in range(6)]


def test_a_list_costs_the_same_for_one_and_for_many_and_leaves_the_texts_where_they_are(operator: APIClient) -> None:
    store("Text.")
    operator.get(URL)
    costs = []
    for more in (0, 20):
        for number in range(more):
            store(f"Text {number}.")
        with CaptureQueriesContext(connection) as statements:
            operator.get(URL)
        costs.append(len(statements))
        assert not any('"content"' in each["sql"] for each in statements)
    assert costs[0] == costs[1] <= 2


def test_a_viewer_reads_and_does_not_write() -> None:
    store(**BODY)
    viewer = client_of(person("viewer"))
    assert viewer.get(f"{URL}/adr-7").status_code == viewer.get(URL).status_code == 200
    for refused in (
        viewer.post(URL, {"content": "x"}, format="json"),
        viewer.patch(f"{URL}/adr-7", {"title": "x"}, format="json"),
        viewer.delete(f"{URL}/adr-7"),
    ):
        assert refused.status_code == 403
    assert Document.objects.get().title == "Leases"


def test_an_agent_stores_what_it_learned() -> None:
    told = client_of(service(email="coder@agents.example.org")).post(URL, BODY, format="json").json()
    assert told["author"] == "coder@agents.example.org"
    entry = Entry.objects.get(kind="document.stored")
    assert (entry.actor_kind, entry.actor_name) == ("agent", "coder@agents.example.org")


def test_a_stranger_sees_nothing() -> None:
    store(**BODY)
    for path in (URL, f"{URL}/adr-7"):
        assert APIClient().get(path).status_code == 401


def test_a_document_may_be_larger_than_other_bodies_up_to_ten_mebibytes(operator: APIClient) -> None:
    line = "Words of a long report. "
    large = line * (2 * 1024 * 1024 // len(line))
    made = operator.post(URL, {"content": large}, format="json")
    assert (made.status_code, made.json()["content"]) == (201, large)
    refused = operator.post(URL, {"content": "x" * (10 * 1024 * 1024)}, format="json")
    assert refused.status_code == 413
    assert Document.objects.count() == 1


def test_an_agent_changes_what_it_stored_and_nobody_elses(operator: APIClient) -> None:
    mine, other = client_of(service()), client_of(service())
    key = mine.post(URL, BODY, format="json").json()["document_id"]
    for verb in (other.patch, other.delete):
        assert verb(f"{URL}/{key}", {}, format="json").status_code == 403
    assert mine.patch(f"{URL}/{key}", {"title": "Mine"}, format="json").status_code == 200
    assert operator.patch(f"{URL}/{key}", {"title": "Ours"}, format="json").status_code == 200
    assert mine.delete(f"{URL}/{key}").status_code == 204
