"""Documents in the admin: through the same services, found by meaning, and lists that cost the same for many."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from knowledge import jobs
from knowledge.models import Document, Embedding
from tests.factories import person
from tests.knowledge.documents import known, store
from traceability.models import Entry

pytestmark = pytest.mark.django_db
URL = "/admin/knowledge/document/"
FORM: dict[str, Any] = {
    "title": "Leases",
    "kind": "decision",
    "content": "A claim ends with its lease.",
    "tags": "claims,adr",
    "metadata": '{"level": 1}',
}
NO_PASSAGES = {"passages-TOTAL_FORMS": "0", "passages-INITIAL_FORMS": "0"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(person("operator", email="op@example.org"))
    return client


def test_a_document_is_stored_and_changed_through_the_services(operator: Client) -> None:
    assert operator.post(f"{URL}add/", FORM).status_code == 302
    document = Document.objects.get()
    assert (document.title, document.tags, document.metadata) == ("Leases", ["claims", "adr"], {"level": 1})
    assert document.passages.count() == OrmQ.objects.count() == 1
    before = {f"initial-{name}": FORM[name] for name in ("tags", "metadata")}
    change = {**FORM, **NO_PASSAGES, **before, "content": "A claim is renewed.", "metadata": ""}
    assert operator.post(f"{URL}{document.pk}/change/", change).status_code == 302
    document.refresh_from_db()
    assert (document.content, document.metadata, document.version) == ("A claim is renewed.", {}, 2)
    told = Entry.objects.of_kind("document").order_by("pk")
    assert [(entry.kind, entry.actor_name) for entry in told] == [
        ("document.stored", "op@example.org"),
        ("document.revised", "op@example.org"),
    ]


def test_what_the_service_refuses_is_said_at_the_form(operator: Client) -> None:
    store("one")
    second = store("two")
    refused = operator.post(f"{URL}{second.pk}/change/", {**FORM, **NO_PASSAGES, "content": "one"})
    assert (refused.status_code, "already says exactly this" in refused.content.decode()) == (200, True)
    assert Document.objects.get(pk=second.pk).content == "two"


def test_the_page_shows_the_passages_as_search_reads_them(operator: Client) -> None:
    document = known("# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner.")
    page = operator.get(f"{URL}{document.pk}/change/").content.decode()
    assert "Leases &gt; Claims" in page
    assert "Indexed" in page


def test_the_search_box_finds_by_meaning(operator: Client) -> None:
    known("My vehicle's engine is dead since this morning.", title="Breakdown")
    known("Bake the sourdough until its crust is golden.", title="Kitchen")
    page = operator.get(URL, {"q": "engine"}).content.decode()
    assert "Breakdown" in page
    nonsense = operator.get(URL, {"q": "a\x00b"})
    assert (nonsense.status_code, nonsense.headers["Location"]) == (302, f"{URL}?e=1")


def test_documents_are_embedded_again_and_removed_by_an_action(operator: Client) -> None:
    documents = [known(f"Text {number}.") for number in range(2)]
    rows = [document.pk for document in documents]
    OrmQ.objects.all().delete()
    operator.post(URL, {"action": "embed_again", "_selected_action": rows})
    assert (Embedding.objects.count(), OrmQ.objects.count()) == (0, 2)
    assert [jobs.embed_document(pk) for pk in rows] == ["ready", "ready"]
    operator.post(URL, {"action": "remove", "_selected_action": rows})
    assert not Document.objects.active().exists()
    assert Entry.objects.filter(kind="document.removed", actor_name="op@example.org").count() == 2


def test_a_viewer_sees_and_changes_nothing(client: Client) -> None:
    document = store("one")
    client.force_login(person("viewer"))
    for page in (URL, f"{URL}{document.pk}/change/", "/admin/knowledge/embeddingspace/"):
        assert client.get(page).status_code == 200
    assert client.post(f"{URL}add/", FORM).status_code == 403
    assert client.post(f"{URL}{document.pk}/change/", {**FORM, **NO_PASSAGES}).status_code == 403
    client.post(URL, {"action": "remove", "_selected_action": [document.pk]})
    assert [row.content for row in Document.objects.active()] == ["one"]


def test_the_list_costs_the_same_for_one_and_for_many(operator: Client) -> None:
    store("Text.")
    operator.get(URL)
    costs = []
    for more in (0, 20):
        for number in range(more):
            store(f"Text {number}.")
        operator.get(URL)  # the navigation's counts are remembered for some seconds
        with CaptureQueriesContext(connection) as statements:
            assert operator.get(URL).status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 8
