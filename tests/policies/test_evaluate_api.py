"""Asking before acting: one answer or a list of them, in the contract's form, always on record."""

from typing import Any

import pytest

from agents.models import Agent
from agents.services import registering
from policies.models import Approval, Decision
from tests.factories import client_of, person, service, unique
from tests.policies.rows import FORCE_PUSH, agent, mission, policy, task
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
PATH = "/api/policies/evaluate"


def with_agent() -> tuple[Any, Agent]:
    """A client of an agent's own token, and the agent."""
    account = service()
    owner = registering.create_agent(
        agent_id=unique("agent"), service_account=account, actor=SYSTEM, now=account.created_at
    )
    return client_of(account), owner


def ask(client: Any, action: Any = None, **also: Any) -> Any:
    return client.post(PATH, {"action": action or FORCE_PUSH, **also}, format="json")


def test_a_blocked_action_is_answered_in_the_contracts_form() -> None:
    row = policy()
    client, owner = with_agent()
    answer = ask(client)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["outcome"], said["approval"]) == ("block", None)
    found = said["decisions"][0]
    assert (found["policy_id"], found["revision"], found["outcome"]) == (row.key, 1, "block")
    assert found["message"] == "Force pushes are not allowed"
    assert {"path": "force", "op": "eq", "expected": True, "actual": True, "holds": True} in found["matched"]
    kept = Decision.objects.get(pk=said["decision_id"])
    assert (kept.agent_key, kept.actor_kind) == (owner.key, "agent")


def test_an_action_that_nothing_forbids_is_allowed_and_on_record() -> None:
    client, _ = with_agent()
    said = ask(client, {"action_type": "shell", "command": "ls"}).json()
    assert (said["outcome"], said["decisions"]) == ("allow", [])
    assert Decision.objects.filter(pk=said["decision_id"]).exists()


def test_the_whole_story_of_an_escalation() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "A person looks first."}])
    client, owner = with_agent()
    deploy = {"action_type": "deploy", "environment": "production"}
    held = ask(client, deploy).json()
    assert held["outcome"] == "escalate"
    people = client_of(person())
    waiting = people.get("/api/approvals?state=pending").json()["results"]
    assert [each["id"] for each in waiting] == [held["approval"]]
    shown = waiting[0]
    assert shown["subject"] == {"type": "agent", "id": owner.pk, "key": owner.key}
    assert (shown["reason"], shown["agent"], shown["action"]) == ("A person looks first.", owner.key, deploy)
    assert shown["requester"]
    assert shown["deadline"]
    address = f"/api/approvals/{held['approval']}"
    assert client.post(f"{address}/approve", {}, format="json").status_code == 403
    done = people.post(f"{address}/approve", {"comment": "go"}, format="json")
    assert (done.status_code, done.json()["state"], done.json()["comment"]) == (200, "approved", "go")
    assert people.post(f"{address}/reject", {}, format="json").status_code == 409
    let_through = ask(client, deploy).json()
    assert (let_through["outcome"], let_through["approval"]) == ("allow", None)
    assert ask(client, deploy).json()["outcome"] == "escalate"


def test_a_rejection_over_the_api_needs_no_body() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    client, _ = with_agent()
    number = ask(client, {"action_type": "deploy"}).json()["approval"]
    rejected = client_of(person()).post(f"/api/approvals/{number}/reject", format="json")
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert ask(client, {"action_type": "deploy"}).json()["outcome"] == "block"


def test_a_list_is_answered_by_a_list_in_order_and_all_are_stored() -> None:
    policy()
    client, _ = with_agent()
    bodies = [{"action": FORCE_PUSH}, {"action": {"action_type": "shell", "command": "ls"}}]
    said = client.post(PATH, bodies, format="json").json()
    assert [each["outcome"] for each in said] == ["block", "allow"]
    assert Decision.objects.count() == 2


def test_a_list_with_one_bad_question_stores_none_of_them() -> None:
    client, _ = with_agent()
    for bad in ({"action": {"action_type": "git_psh"}}, {"action": FORCE_PUSH, "task": "nothing"}, {}):
        answer = client.post(PATH, [{"action": FORCE_PUSH}, bad], format="json")
        assert answer.status_code == 422
    assert client.post(PATH, [], format="json").status_code == 422
    assert client.post(PATH, [{"action": FORCE_PUSH}] * 101, format="json").status_code == 422
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("action", "field", "told"),
    [
        ({"action_type": "git_psh"}, "action.action_type", "Did you mean 'git_push'?"),
        ({"force": True}, "action.action_type", "what kind"),
        ({"action_type": 5}, "action.action_type", "what kind"),
        ({"action_type": "git_push", "force": "yes"}, "action.force", "true or false"),
        ({"action_type": "git_push", "commits": True}, "action.commits", "a number"),
        ({"action_type": "shell", "context": {}}, "action.context", "known here"),
        ({"action_type": "shell", "command": "x" * 70_000}, "action.action_type", "65536"),
        ("git_push", "action", "object"),
    ],
)
def test_an_action_that_no_policy_could_judge_is_422(action: Any, field: str, told: str) -> None:
    client, _ = with_agent()
    answer = ask(client, action)
    assert answer.status_code == 422
    assert told in answer.json()["errors"][field][0]
    assert not Decision.objects.exists()


def test_own_action_types_are_free(settings: Any) -> None:
    settings.POLICY_ACTION_TYPES = {"drone_flight": {"altitude_m": "number"}}
    client, _ = with_agent()
    assert ask(client, {"action_type": "custom.review", "x": [1]}).status_code == 200
    assert ask(client, {"action_type": "drone_flight", "altitude_m": 5}).status_code == 200
    assert ask(client, {"action_type": "drone_flight", "altitude_m": "low"}).status_code == 422


def test_a_task_is_named_by_id_or_key_and_brings_its_mission() -> None:
    policy(scope={"mission": [(home := mission()).key]})
    work = task(home)
    client, _ = with_agent()
    for name in (work.pk, work.key):
        assert ask(client, task=name).json()["outcome"] == "block"
    assert ask(client, mission=home.pk).json()["outcome"] == "block"
    assert ask(client).json()["outcome"] == "allow"
    assert Decision.objects.filter(task_key=work.key, mission_key=home.key).count() == 2


def test_the_state_of_the_mission_is_known_to_policies() -> None:
    policy(conditions={"action_type": "git_push", "mission.status": "planning"})
    client, _ = with_agent()
    assert ask(client, mission=mission().key).json()["outcome"] == "block"


def test_what_is_named_and_not_there_is_422() -> None:
    client = client_of(person())
    for noun in ("mission", "task", "agent"):
        answer = ask(client, **{noun: "nothing"})
        assert answer.status_code == 422
        assert noun in answer.json()["errors"]
    assert ask(client, mission=mission().key, task=task().key).status_code == 422
    assert ask(client, agent=True).status_code == 422
    assert ask(client, surplus=1).status_code == 422


def test_an_agent_speaks_for_itself_only_and_a_person_for_anyone() -> None:
    client, _ = with_agent()
    other = agent()
    assert ask(client, agent=other.key).status_code == 403
    work = task(agent=other)
    assert ask(client, task=work.key).status_code == 403
    said = ask(client_of(person()), task=work.key)
    assert said.status_code == 200
    assert Decision.objects.get(pk=said.json()["decision_id"]).agent_key == other.key


def test_a_repeated_key_asks_once() -> None:
    client, _ = with_agent()
    headers = {"Idempotency-Key": "k-1"}
    first = client.post(PATH, {"action": FORCE_PUSH}, format="json", headers=headers)
    again = client.post(PATH, {"action": FORCE_PUSH}, format="json", headers=headers)
    assert again["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert Decision.objects.count() == 1


def test_who_asked_may_not_decide_over_the_api() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    asker = client_of(person())
    number = ask(asker, {"action_type": "deploy"}).json()["approval"]
    answer = asker.post(f"/api/approvals/{number}/approve", {}, format="json")
    assert answer.status_code == 403
    assert "Somebody else" in answer.json()["detail"]


def test_a_service_account_with_the_scope_still_decides_nothing() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    number = ask(client_of(person()), {"action_type": "deploy"}).json()["approval"]
    robot = client_of(service("operator"))
    assert robot.post(f"/api/approvals/{number}/approve", {}, format="json").status_code == 403
    assert Approval.objects.get(pk=number).state == "pending"
