"""Waivers over the API: an agent asks for itself, a person who is another grants, anybody who reads sees."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from agents.services import registering
from policies.models import Waiver
from tests.factories import client_of, person, service, unique
from tests.policies.rows import FORCE_PUSH, agent, ask, policy, task
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def body(**fields: Any) -> dict[str, Any]:
    ends = (timezone.now() + timedelta(days=3)).isoformat()
    return {"reason": "The release of tonight.", "expires_at": ends, **fields}


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator"))


def test_a_person_asks_another_grants_and_the_policy_does_not_bind(operator: APIClient) -> None:
    row, doer = policy(), agent()
    asked = operator.post(f"/api/policies/{row.key}/waivers", body(agent=doer.key, uses=3), format="json")
    assert asked.status_code == 201, asked.content
    told = asked.json()
    assert {"policy": row.key, "state": "requested", "agent": doer.key, "uses_left": 3, "grantor": None}.items() <= (
        told.items()
    )
    address = f"/api/waivers/{told['id']}"
    assert operator.post(f"{address}/grant").status_code == 403
    other = person("operator")
    granted = client_of(other).post(f"{address}/grant", headers={"If-Match": asked["ETag"]})
    assert (granted.status_code, granted.json()["state"], granted.json()["grantor"]) == (200, "granted", other.email)
    answer = operator.post("/api/policies/evaluate", {"action": FORCE_PUSH, "agent": doer.key}, format="json").json()
    assert (answer["outcome"], answer["decisions"][0]["waiver"]) == ("allow", told["id"])
    assert operator.get(address).json()["uses_left"] == 2
    assert operator.post(f"{address}/revoke").json()["state"] == "revoked"
    assert operator.post(f"{address}/revoke").status_code == 409


def test_an_agent_asks_for_itself_alone(operator: APIClient) -> None:
    account = service()
    me = registering.create_agent(agent_id=unique("a"), service_account=account, actor=SYSTEM, now=timezone.now())
    row, client = policy(), client_of(account)
    address = f"/api/policies/{row.key}/waivers"
    assert client.post(address, body(), format="json").json()["agent"] == me.key
    assert client.post(address, body(agent=agent().key), format="json").status_code == 403
    number = Waiver.objects.get().pk
    assert client.post(f"/api/waivers/{number}/grant").status_code == 403
    assert client.get(f"/api/waivers/{number}").status_code == 200


def test_a_task_that_is_named_names_nothing_else(operator: APIClient) -> None:
    row, work = policy(), task()
    told = operator.post(f"/api/policies/{row.key}/waivers", body(task=work.key), format="json").json()
    assert (told["task"], told["mission"], told["agent"]) == (work.key, None, None)


def test_a_waiver_of_one_decision_is_for_that_action_alone(operator: APIClient) -> None:
    row, doer = policy(), agent()
    number = ask(agent=doer.ref).decision_id or 0
    address = f"/api/policies/{row.key}/waivers"
    told = operator.post(address, body(decision=number), format="json").json()
    assert len(told["digest"]) == 64
    for wrong in (number + 1000, ask({"action_type": "deploy"}).decision_id):
        answer = operator.post(address, body(decision=wrong), format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["decision"])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "agent"),
        ({"agent": "nobody"}, "agent"),
        ({"agent": True}, "agent"),
        ({"reason": ""}, "reason"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"uses": 0}, "uses"),
        ({"decision": 0}, "decision"),
        ({"grantor": "me"}, "grantor"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(operator: APIClient, fields: dict[str, Any], field: str) -> None:
    answer = operator.post(f"/api/policies/{policy().key}/waivers", body(**fields), format="json")
    assert answer.status_code == 422
    assert field in answer.json()["errors"]


def test_lists_are_narrowed_and_read_in_few_statements(operator: APIClient, django_assert_num_queries: Any) -> None:
    row, doer = policy(), agent()
    for _ in range(3):
        assert operator.post(f"/api/policies/{row.key}/waivers", body(agent=doer.key), format="json").status_code == 201
    for query in (f"policy={row.key}", "state=requested", f"agent={doer.key}"):
        assert len(operator.get(f"/api/waivers?{query}").json()["results"]) == 3
    assert operator.get("/api/waivers?state=granted").json()["results"] == []
    assert operator.get("/api/waivers?state=used").status_code == 400
    with django_assert_num_queries(3):
        assert len(operator.get(f"/api/policies/{row.key}/waivers").json()["results"]) == 3
