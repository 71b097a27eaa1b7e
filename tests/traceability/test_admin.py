"""The plan in the admin goes through the services; the ledger is shown there and never changed."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.factories import person
from tests.traceability.conftest import new_mission, note
from tests.traceability.plans import key_result, mission, objective, requirement, task
from traceability.models import Entry, KeyResult, Objective, Requirement

pytestmark = pytest.mark.django_db
URL = "/admin/traceability"
FORMS: dict[str, dict[str, Any]] = {
    "objective": {"objective_id": "x-1", "title": "Fast", "description": "", "owner": "", "status": "active"},
    "keyresult": {
        "kr_id": "x-1", "title": "p99", "start": "0", "target": "9.5", "current": "1", "unit": "", "weight": "1",
    },
    "requirement": {
        "requirement_id": "x-1", "title": "Cache", "description": "", "key_result": "", "priority": "p0",
        "horizon": "h1", "status": "draft",
    },
}  # fmt: skip
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
MODELS: dict[str, Any] = {"objective": Objective, "keyresult": KeyResult, "requirement": Requirement}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(person("operator", email="op@example.org"))
    return client


def form_of(name: str) -> dict[str, Any]:
    return {**FORMS[name], **({"objective": objective().pk} if name == "keyresult" else {})}


@pytest.mark.parametrize("name", FORMS)
def test_each_is_made_and_changed_through_the_service(operator: Client, name: str) -> None:
    form = form_of(name)
    assert operator.post(f"{URL}/{name}/add/", form).status_code == 302
    row = MODELS[name].objects.keyed("x-1").get()
    if name == "objective":
        key_result(row)
    page = operator.get(f"{URL}/{name}/{row.pk}/change/").content.decode()
    sent = {**dict(HIDDEN.findall(page)), **form, "title": "Other"}
    assert operator.post(f"{URL}/{name}/{row.pk}/change/", sent).status_code == 302
    told = Entry.objects.filter(subject_type=row.subject.type, subject_id=row.pk).order_by("pk")
    assert [entry.kind.split(".")[1] for entry in told] == ["created", "updated"]
    assert {(entry.actor_kind, entry.actor_name) for entry in told} == {("person", "op@example.org")}
    assert told[1].data["fields"]["title"] == "Other"


def test_other_words_make_a_new_revision_here_too(operator: Client) -> None:
    wish = requirement(requirement_id="x-1", title="Fast")
    operator.post(f"{URL}/requirement/{wish.pk}/change/", {**FORMS["requirement"], "title": "Faster"})
    assert Requirement.objects.get().revision == 2


def test_what_is_refused_is_said_at_the_form(operator: Client) -> None:
    answer = operator.post(f"{URL}/keyresult/add/", {**form_of("keyresult"), "target": "0"})
    assert "The target must differ from the start" in answer.content.decode()
    objective(objective_id="x-1")
    answer = operator.post(f"{URL}/objective/add/", FORMS["objective"])
    assert answer.status_code == 200
    assert not KeyResult.objects.exists()


@pytest.mark.parametrize("name", FORMS)
def test_a_viewer_sees_and_changes_nothing(client: Client, name: str) -> None:
    row = requirement(key_result(objective(objective_id="x-1"), kr_id="x-1"), requirement_id="x-1")
    pk = MODELS[name].objects.keyed("x-1").get().pk
    client.force_login(person("viewer"))
    assert client.get(f"{URL}/{name}/").status_code == 200
    assert client.get(f"{URL}/{name}/{pk}/change/").status_code == 200
    for path in (f"{name}/add/", f"{name}/{pk}/change/", f"{name}/{pk}/delete/"):
        assert client.post(f"{URL}/{path}", form_of(name)).status_code == 403
    assert Requirement.objects.get(pk=row.pk).version == 1


@pytest.mark.parametrize("path", ["objective/", "keyresult/", "requirement/", "requirement/?covered=yes", "entry/"])
def test_the_lists_cost_the_same_for_one_and_for_many(
    operator: Client, path: str, django_assert_max_num_queries: Any
) -> None:
    serving = mission()
    for _ in range(8):
        task(serving, requirement(key_result()))
    operator.get(f"{URL}/{path}")
    with django_assert_max_num_queries(10):
        assert operator.get(f"{URL}/{path}").status_code == 200


def test_requirements_that_nobody_serves_are_found(operator: Client) -> None:
    task(mission(), requirement(requirement_id="served-one"), done=True)
    requirement(requirement_id="lonely-one")
    page = operator.get(f"{URL}/requirement/?covered=no").content.decode()
    assert "lonely-one" in page
    assert "served-one" not in page
    assert "1 of 1" in operator.get(f"{URL}/requirement/?covered=yes").content.decode()


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_the_ledger_is_shown_and_never_changed(client: Client, role: str) -> None:
    note(new_mission(), "<script>alert(1)</script>")
    entry = Entry.objects.latest("pk")
    client.force_login(person(role))
    page = client.get(f"{URL}/entry/{entry.pk}/change/").content.decode()
    assert bytes(entry.hash).hex() in page
    assert "<script>alert(1)" not in page
    count = Entry.objects.count()
    for path in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/"):
        assert client.post(f"{URL}/entry/{path}", {"kind": "x", "post": "yes"}).status_code == 403
    client.post(f"{URL}/entry/", {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert Entry.objects.count() == count
    assert Entry.objects.get(pk=entry.pk).kind == "note.taken"


@pytest.mark.parametrize("query", ["q=note", "noun=task", "actor_kind=system", "recorded_at__year=2026", "o=1"])
def test_the_ledger_is_filtered_searched_and_drilled_into_by_date(operator: Client, query: str) -> None:
    note(new_mission())
    assert operator.get(f"{URL}/entry/?{query}").status_code == 200


def test_the_ledger_needs_the_scope_to_read_it(client: Client) -> None:
    client.force_login(person(None))
    assert client.get(f"{URL}/entry/").status_code in {302, 403}


def test_entries_of_accounts_are_shown_to_admins_only(client: Client, operator: Client) -> None:
    secret = Entry.objects.filter(kind="account.created").latest("pk")
    assert "account.created" not in operator.get(f"{URL}/entry/").content.decode()
    assert operator.get(f"{URL}/entry/{secret.pk}/change/").status_code == 302
    client.force_login(person("admin"))
    assert "account.created" in client.get(f"{URL}/entry/").content.decode()
