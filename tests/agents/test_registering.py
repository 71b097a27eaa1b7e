"""Agents over the API: registered, revised, found; secrets stay out, and an agent speaks for itself only."""

from typing import Any

import pytest
from django.utils import timezone

from agents import secrets
from agents.models import Agent
from agents.services import registering
from coordinator.lib.errors import Invalid, NotAllowed
from tests.agents.rows import agent, agent_with_client, operator, told
from tests.factories import client_of, person, service
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
BODY = {
    "agent_id": "coder-1",
    "name": "Coder",
    "adapter_module": "claude_code",
    "adapter_config": {"model": "claude-sonnet-5", "max_tokens": 4000, "api_key": {"env": "ANTHROPIC_API_KEY"}},
    "capabilities": ["python", "review", "python"],
    "cost_per_mtok": "3.50",
}


def test_an_agent_is_registered_and_told() -> None:
    answer = operator().post("/api/agents", {"agent": BODY}, format="json")
    made = answer.json()
    assert (answer.status_code, answer["ETag"]) == (201, '"1"')
    assert made["capabilities"] == ["python", "review"]
    assert (made["status"], made["cost_per_mtok"], made["cost_usd"]) == ("idle", "3.50", "0.00")
    assert made["health"] == {"state": "unknown", "reason": "", "since": None, "checked_at": None}
    row = Agent.objects.get(agent_id="coder-1")
    (entry,) = told("agent.created", row)
    assert entry["fields"]["adapter_config"] == BODY["adapter_config"]


def test_an_agent_without_a_name_is_called_by_its_key() -> None:
    made = operator().post("/api/agents", {}, format="json").json()
    assert made["name"] == made["agent_id"]
    assert made["agent_id"].startswith("agent-")
    assert made["adapter_module"] is None


def test_a_taken_key_is_refused() -> None:
    client = operator()
    assert client.post("/api/agents", BODY, format="json").status_code == 201
    again = client.post("/api/agents", BODY, format="json")
    assert again.status_code == 409
    assert Agent.objects.filter(agent_id="coder-1").count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("adapter_module", "gemini"),
        ("adapter_config", ["no", "object"]),
        ("capabilities", "python"),
        ("capabilities", [""]),
        ("capabilities", ["x" * 101]),
        ("status", "asleep"),
        ("cost_per_mtok", "-1"),
        ("agent_id", "12345"),
        ("service_account", "nobody@example.org"),
        ("last_seen_at", "2026-01-01T00:00:00Z"),
        ("colour", "red"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(field: str, value: Any) -> None:
    client = client_of(person("admin"))
    answer = client.post("/api/agents", {field: value}, format="json")
    assert answer.status_code == 422
    assert any(name.split(".")[0] == field for name in answer.json()["errors"])
    assert not Agent.objects.exists()


def test_a_revision_changes_what_differs_and_an_old_etag_changes_nothing() -> None:
    row, client = agent(name="Coder"), operator()
    path = f"/api/agents/{row.key}"
    answer = client.patch(path, {"name": "Coder two"}, format="json", headers={"If-Match": '"1"'})
    assert (answer.status_code, answer["ETag"], answer.json()["name"]) == (200, '"2"', "Coder two")
    stale = client.patch(path, {"name": "Lost"}, format="json", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert client.get(f"/api/agents/{row.pk}").json()["name"] == "Coder two"
    assert told("agent.updated", row) == [{"fields": {"name": "Coder two"}}]
    same = client.patch(path, {"name": "Coder two"}, format="json")
    assert same["ETag"] == '"2"'
    assert len(told("agent.updated", row)) == 1


def test_a_status_set_by_hand_is_told_as_such() -> None:
    row = agent()
    answer = operator().patch(f"/api/agents/{row.key}", {"status": "offline"}, format="json")
    assert answer.json()["status"] == "offline"
    assert told("agent.status_changed", row) == [
        {"before": "idle", "after": "offline", "because": "revision", "reason": ""}
    ]
    assert told("agent.updated", row) == []


def test_agents_are_found_by_status_capability_health_and_text() -> None:
    agent(agent_id="one", capabilities=["python"])
    agent(agent_id="two", capabilities=["go"], status="working", name="The Reviewer")
    client = operator()

    def keys(query: str) -> list[str]:
        return [row["agent_id"] for row in client.get(f"/api/agents?{query}").json()["results"]]

    assert keys("status=working") == ["two"]
    assert keys("status=working,idle") == ["one", "two"]
    assert keys("capability=python") == ["one"]
    assert keys("health=unknown") == ["one", "two"]
    assert keys("q=reviewer") == ["two"]
    for wrong in ("status=asleep", "colour=red", "page_size=0"):
        assert client.get(f"/api/agents?{wrong}").status_code == 400


def test_the_list_costs_the_same_for_one_and_for_many(django_assert_num_queries: Any) -> None:
    for _ in range(6):
        agent_with_client()
    client = operator()
    client.get("/api/agents")
    with django_assert_num_queries(2):
        assert len(client.get("/api/agents").json()["results"]) == 6


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"api_key": "abc"}, "api_key"),
        ({"openai": {"API-Key": "abc"}}, "openai.API-Key"),
        ({"env": {"GITHUB_TOKEN": "abc"}}, "env.GITHUB_TOKEN"),
        ({"password": "hunter2"}, "password"),
        ({"secrets": ["abc"]}, "secrets"),
        ({"args": ["--key", "sk-" + "a1" * 12]}, "args.1"),
        ({"note": "use ghp_abcdefghijklmnopqrst1234"}, "note"),
        ({"headers": {"x": "Bearer abcdefgh12345"}}, "headers.x"),
        ({"api_key_env": "not a name!"}, "api_key_env"),
        ({"api_key": "env:"}, "api_key"),
    ],
)
def test_a_secret_in_the_configuration_is_refused_and_the_way_out_is_told(config: dict[str, Any], path: str) -> None:
    answer = operator().post("/api/agents", {"adapter_config": config}, format="json")
    assert answer.status_code == 422
    (text,) = answer.json()["errors"]["adapter_config"]
    assert text.startswith(path)
    assert '{"env": "NAME"}' in text
    assert not Agent.objects.exists()


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": {"env": "OPENAI_API_KEY"}},
        {"api_key": "env:OPENAI_API_KEY"},
        {"api_key_env": "OPENAI_API_KEY"},
        {"max_tokens": 4000, "token_budget": 10.5, "use_cookies": True, "password": None},
        {"model": "claude-sonnet-5", "cwd": "/srv/disk-task-long-name-of-a-directory"},
        {},
    ],
)
def test_a_name_of_an_environment_variable_is_no_secret(config: dict[str, Any]) -> None:
    assert list(secrets.held_in(config)) == []


def test_a_secret_is_refused_in_a_revision_too() -> None:
    row = agent()
    with pytest.raises(Invalid):
        registering.revise_agent(row, adapter_config={"token": "abc"}, actor=SYSTEM, now=timezone.now())


def test_who_may_read_and_write_agents() -> None:
    row = agent()
    path = f"/api/agents/{row.key}"
    viewer, ours = client_of(person("viewer")), client_of(service())
    assert viewer.get(path).status_code == 200
    assert ours.get("/api/agents").status_code == 200
    for client in (viewer, ours):
        assert client.post("/api/agents", {}, format="json").status_code == 403
        assert client.patch(path, {"name": "Mine"}, format="json").status_code == 403
    assert operator().get("/api/agents/nobody").status_code == 404


def test_an_agents_token_revises_itself_only() -> None:
    account = service("operator")
    mine, other = agent(service_account=account), agent()
    client = client_of(account)
    assert client.patch(f"/api/agents/{mine.key}", {"name": "Me"}, format="json").status_code == 200
    assert client.patch(f"/api/agents/{other.key}", {"name": "Me"}, format="json").status_code == 403


def test_only_an_admin_says_whose_account_acts_for_an_agent() -> None:
    account, row = service(), agent()
    body = {"service_account": account.email}
    assert operator().patch(f"/api/agents/{row.key}", body, format="json").status_code == 403
    admin = client_of(person("admin"))
    linked = admin.patch(f"/api/agents/{row.key}", body, format="json")
    assert linked.json()["service_account"] == account.email
    assert told("agent.updated", row) == [{"fields": {"service_account": account.email}}]
    taken = admin.patch(f"/api/agents/{agent().key}", body, format="json")
    assert taken.status_code == 409
    person_as_agent = admin.patch(f"/api/agents/{row.key}", {"service_account": person().email}, format="json")
    assert person_as_agent.status_code == 422


def test_a_service_account_acts_for_its_own_agent_only() -> None:
    account = service()
    mine, other = agent(service_account=account), agent()
    assert registering.agent_of(account) == mine
    assert registering.agent_of(person()) is None
    registering.may_act_for(account, mine)
    registering.may_change(account, None)
    registering.may_act_for(person(), other)
    for refused in (registering.may_act_for, registering.may_change):
        with pytest.raises(NotAllowed):
            refused(account, other)
