"""The decision log and the approvals over the API: filtered, and at the same cost for one and for many."""

from typing import Any

import pytest

from policies.models import Approval
from tests.factories import client_of, person
from tests.policies.rows import FORCE_PUSH, policy, task
from tests.policies.test_evaluate_api import ask, with_agent

pytestmark = pytest.mark.django_db


def test_the_decision_log_is_filtered_by_policy_outcome_agent_task_and_mission(
    django_assert_max_num_queries: Any,
) -> None:
    row, other = policy(), policy(conditions={"action_type": "shell"}, actions=[{"warn": "careful"}])
    work = task()
    client, owner = with_agent()
    ask(client, task=work.key)
    ask(client, {"action_type": "shell", "command": "ls"})
    reader = client_of(person("viewer"))

    def listed(query: str) -> list[str]:
        return [each["outcome"] for each in reader.get(f"/api/decisions?{query}").json()["results"]]

    listed("")
    with django_assert_max_num_queries(2):
        assert listed("") == ["block", "warn"]
    for query, found in (
        (f"policy={row.key}", ["block"]),
        (f"policy={other.pk}", ["warn"]),
        ("policy=nothing", []),
        ("outcome=warn,block", ["block", "warn"]),
        ("outcome=warn", ["warn"]),
        (f"agent={owner.key}", ["block", "warn"]),
        (f"agent={owner.pk}", ["block", "warn"]),
        (f"task={work.key}", ["block"]),
        (f"mission={work.mission.key}", ["block"]),
        ("mission=0", []),
        ("action_type=shell", ["warn"]),
        ("point=agent_action", ["block", "warn"]),
        ("point=task_transition", []),
    ):
        assert listed(query) == found, query
    assert reader.get("/api/decisions?outcome=maybe").status_code == 400
    assert reader.get("/api/decisions?point=zzz").status_code == 400
    assert reader.get("/api/decisions?colour=red").status_code == 400
    first = reader.get("/api/decisions").json()["results"][0]
    assert first["input"]["action"] == FORCE_PUSH
    assert reader.get(f"/api/decisions/{first['id']}").json() == first


def test_the_list_of_approvals_costs_the_same_for_one_and_for_many(django_assert_max_num_queries: Any) -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    client, owner = with_agent()
    for number in range(5):
        ask(client, {"action_type": "deploy", "version": str(number)})
    reader = client_of(person())
    reader.get("/api/approvals")
    with django_assert_max_num_queries(2):
        assert len(reader.get("/api/approvals").json()["results"]) == 5
    number = Approval.objects.order_by("pk").values_list("pk", flat=True)[0]
    reader.post(f"/api/approvals/{number}/reject", {}, format="json")
    assert len(reader.get(f"/api/approvals?state=pending&agent={owner.key}").json()["results"]) == 4
    assert reader.get(f"/api/approvals/{number}").json()["state"] == "rejected"
    assert reader.get("/api/approvals?state=maybe").status_code == 400
    assert reader.get("/api/approvals/999999").status_code == 404


def test_an_approval_is_decided_as_it_was_read_or_not_at_all() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    client, _ = with_agent()
    number = ask(client, {"action_type": "deploy", "version": "1"}).json()["approval"]
    reader = client_of(person())
    address = f"/api/approvals/{number}"
    read = reader.get(address)
    assert (read["ETag"], read.json()["version"]) == ('"1"', 1)
    for word in ("approve", "reject"):
        stale = reader.post(f"{address}/{word}", {}, format="json", HTTP_IF_MATCH='"2"')
        assert (stale.status_code, reader.get(address).json()) == (412, read.json())
    granted = reader.post(f"{address}/approve", {}, format="json", HTTP_IF_MATCH=read["ETag"])
    assert (granted.status_code, granted["ETag"], granted.json()["version"]) == (200, '"2"', 2)
    assert reader.post(f"{address}/reject", {}, format="json", HTTP_IF_MATCH='"1"').status_code == 412
    assert reader.post(f"{address}/reject", {}, format="json", HTTP_IF_MATCH='"2"').status_code == 409
    ask(client, {"action_type": "deploy", "version": "1"})
    assert reader.get(address)["ETag"] == '"3"'


def test_a_decision_never_changes_and_its_version_says_so() -> None:
    policy()
    client, _ = with_agent()
    ask(client)
    (shown,) = client.get("/api/decisions").json()["results"]
    answer = client.get(f"/api/decisions/{shown['id']}")
    assert (shown["version"], answer["ETag"]) == (1, '"1"')
