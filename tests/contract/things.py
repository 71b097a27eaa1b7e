"""Things that a step needs, made over the API."""

from typing import Any

from tests.contract.client import Client, unique


def mission(api: Client, status: str = "active", **fields: Any) -> str:
    """The key of a new mission in this state."""
    key = unique("m")
    api.post("/missions", {"mission": {"mission_id": key, "goal": "Keep the contract", **fields}}, 201)
    if status != "planning":
        api.post(f"/missions/{key}/start")
    return key


def task(api: Client, owner: str | None = None, **fields: Any) -> str:
    """The key of a new pending task of an active mission."""
    key = unique("t")
    body = {"task": {"task_id": key, "objective": "Keep one promise", **fields}}
    api.post(f"/missions/{owner or mission(api)}/tasks", body, 201)
    return key


def reported(api: Client, key: str, *statuses: str) -> None:
    """Moves a task by reports."""
    for status in statuses:
        api.post(f"/tasks/{key}/report", {"progress": {"status": status}})


def agent(api: Client, **fields: Any) -> str:
    """The key of a new agent."""
    key = unique("a")
    api.post("/agents", {"agent": {"agent_id": key, "name": "Contract agent", **fields}}, 201)
    return key


def own_agent(api: Client, **fields: Any) -> tuple[str, Client]:
    """A new agent with a service account, and a client with its token."""
    email = f"{unique('agent')}@agents.example.org"
    api.post("/accounts", {"email": email, "kind": "service", "role": "agent"}, 201)
    token = api.post("/tokens", {"name": "contract", "account": email}, 201)["token"]
    return agent(api, service_account=email, **fields), api.with_token(token)


def narrow(api: Client, *scopes: str) -> Client:
    """A client whose token holds these scopes alone."""
    return api.with_token(api.post("/tokens", {"name": "narrow", "scopes": list(scopes)}, 201)["token"])


def policy(api: Client, action: str, mission_key: str, **conditions: Any) -> str:
    """The key of a policy in force over one mission; `action` is block, escalate or warn."""
    key = unique("p")
    body = {
        "policy_id": key,
        "conditions": {"action_type": "task_transition", **conditions},
        "actions": [{action: "The contract says so."}],
        "scope": {"mission": [mission_key]},
    }
    api.post("/policies", {"policy": body}, 201)
    return key
