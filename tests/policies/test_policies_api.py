"""Policies over the API: the seed's shape, revisions, refusals that name their place, who may do what."""

from typing import Any

import pytest

from policies.models import Policy
from tests.factories import client_of, person, service, unique
from tests.policies.rows import SEED, policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Any:
    return client_of(person())


def test_the_seeds_policy_loads_unchanged_flat_or_wrapped(operator: Any) -> None:
    for body in (SEED, {"policy": SEED}, {"policy": {**SEED, "policy_id": unique("no-force")}}):
        made = operator.post("/api/policies", body, format="json")
        assert made.status_code == 201, made.content
        shown = made.json()
        assert {name: shown[name] for name in SEED} == SEED
        assert (shown["status"], shown["mode"], shown["revision"], shown["version"]) == ("active", "enforce", 1, 1)
        assert made["ETag"] == '"1"'
        assert operator.get(f"/api/policies/{shown['policy_id']}").json() == shown
        assert operator.get(f"/api/policies/{shown['id']}").json() == shown


def test_a_patch_makes_a_revision_and_old_ones_stay_readable(operator: Any) -> None:
    row = policy(description="first")
    path = f"/api/policies/{row.key}"
    patched = operator.patch(path, {"description": "second", "change_note": "why"}, format="json")
    assert (patched.status_code, patched.json()["revision"], patched["ETag"]) == (200, 2, '"2"')
    kept = operator.get(f"{path}/revisions").json()["results"]
    assert [(each["revision"], each["description"], each["change_note"]) for each in kept] == [
        (1, "first", ""),
        (2, "second", "why"),
    ]
    assert kept[0]["conditions"] == SEED["conditions"]
    assert kept[0]["policy_id"] == row.key


def test_an_old_etag_changes_nothing(operator: Any) -> None:
    row = policy()
    path = f"/api/policies/{row.key}"
    assert operator.patch(path, {"priority": 1}, format="json", headers={"If-Match": '"1"'}).status_code == 200
    assert operator.patch(path, {"priority": 2}, format="json", headers={"If-Match": '"1"'}).status_code == 412
    assert Policy.objects.get(pk=row.pk).priority == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conditions": {"action_type": "git_push", "forced": True}}, "conditions"),
        ({"conditions": []}, "conditions"),
        ({"conditions": {}}, "conditions"),
        ({"actions": [{"deny": "x"}]}, "actions"),
        ({"actions": "block"}, "actions"),
        ({"scope": "everything"}, "scope"),
        ({"status": "sleeping"}, "status"),
        ({"mode": "maybe"}, "mode"),
        ({"on_error": "panic"}, "on_error"),
        ({"priority": "high"}, "priority"),
        ({"priority": True}, "priority"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"policy_id": "12"}, "policy_id"),
        ({"policy_id": "evaluate"}, "policy_id"),
        ({"surplus": 1}, "surplus"),
        ({"revision": 3}, "revision"),
        ({"require": [1]}, "require"),
        ({"description": 5}, "description"),
    ],
)
def test_a_bad_body_is_422_and_names_the_field(operator: Any, change: Any, field: str) -> None:
    answer = operator.post("/api/policies", {**SEED, **change}, format="json")
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["errors"]
    assert answer["Content-Type"].startswith("application/problem+json")
    assert not Policy.objects.exists()


def test_a_misspelt_attribute_is_told_with_its_place_and_the_name_that_was_meant(operator: Any) -> None:
    body = {**SEED, "conditions": {"all": [{"action_type": "git_push"}, {"action_type": "git_push", "forced": True}]}}
    answer = operator.post("/api/policies", body, format="json")
    assert answer.json()["errors"]["conditions"] == [
        "/all/1/forced: There is no attribute 'forced' of git_push. Did you mean 'force'? Own names begin with custom."
    ]


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_a_body_that_is_no_object_is_400(operator: Any, body: Any) -> None:
    assert operator.post("/api/policies", body, format="json").status_code in {400, 422}


def test_a_key_that_is_taken_is_409(operator: Any) -> None:
    row = policy()
    assert operator.post("/api/policies", {**SEED, "policy_id": row.key}, format="json").status_code == 409


def test_the_list_is_filtered_paged_and_costs_the_same_for_one_and_for_many(
    operator: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        policy(description=f"rule {number}", status="draft" if number % 2 else "active")
    operator.get("/api/policies")
    with django_assert_max_num_queries(2):
        first = operator.get("/api/policies?page_size=4").json()
    assert len(first["results"]) == 4
    assert len(operator.get(first["next"]).json()["results"]) == 2
    assert len(operator.get("/api/policies?status=draft").json()["results"]) == 3
    assert len(operator.get("/api/policies?q=rule 5").json()["results"]) == 1
    assert operator.get("/api/policies?status=sleeping").status_code == 400
    assert operator.get("/api/policies?colour=red").status_code == 400


PATHS = [
    ("get", "/api/policies", "policies:read"),
    ("post", "/api/policies", "policies:write"),
    ("get", "/api/policies/{p}", "policies:read"),
    ("patch", "/api/policies/{p}", "policies:write"),
    ("get", "/api/policies/{p}/revisions", "policies:read"),
    ("post", "/api/policies/evaluate", "policies:evaluate"),
    ("post", "/api/policies/{p}/simulate", "policies:read"),
    ("post", "/api/policies/simulate", "policies:read"),
    ("get", "/api/decisions", "policies:read"),
    ("get", "/api/approvals", "policies:read"),
    ("post", "/api/approvals/1/approve", "approvals:decide"),
    ("post", "/api/approvals/1/reject", "approvals:decide"),
]


@pytest.mark.parametrize(("verb", "path", "scope"), PATHS)
def test_every_address_demands_its_scope(verb: str, path: str, scope: str, client: Any) -> None:
    address = path.format(p=policy().key)
    stranger = getattr(client, verb)(address, content_type="application/json")
    assert (stranger.status_code, stranger["WWW-Authenticate"]) == (401, "Bearer")
    user = person("admin")
    without = client_of(user, sorted(user.scopes - {scope}))
    assert getattr(without, verb)(address, {}, format="json").status_code == 403
    holder = client_of(user, [scope])
    assert getattr(holder, verb)(address, None if verb == "get" else {}, format="json").status_code not in {401, 403}


def test_agents_and_viewers_read_policies_and_change_none() -> None:
    row = policy()
    for client in (client_of(person("viewer")), client_of(service())):
        assert client.get(f"/api/policies/{row.key}").status_code == 200
        assert client.patch(f"/api/policies/{row.key}", {"status": "disabled"}, format="json").status_code == 403
        assert client.post("/api/policies", SEED, format="json").status_code == 403


@pytest.mark.parametrize("path", ["policies/nothing", "policies/nothing/revisions", "policies/999999", "decisions/x"])
def test_what_is_not_there_is_404(operator: Any, path: str) -> None:
    assert operator.get(f"/api/{path}").status_code == 404
    assert operator.post("/api/policies/nothing/simulate", {}, format="json").status_code == 404
