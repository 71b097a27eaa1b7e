"""Checking agents: what is found, what is kept, what is told, and who may ask."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from agents import jobs
from agents.models import Agent
from agents.services import checking
from tests.factories import client_of, person
from tests.missions import world
from tests.running.agents_at_hand import FakeClaude
from traceability.events import SYSTEM
from traceability.models import Entry


def told(agent: Agent) -> list[str]:
    rows = Entry.objects.of_kind("agent.health_changed").of_agent(agent.pk).order_by("id")
    return [row.data["after"] for row in rows]


def test_a_check_is_kept_and_only_a_change_is_history(
    db: None, claude: FakeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = world.agent(adapter_module="claude_code")
    for _ in range(2):
        assert jobs.check_agent(agent.pk) == "healthy"
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert jobs.check_agent(agent.pk) == "down"
    agent.refresh_from_db()
    assert "not logged in" in agent.health_reason
    assert agent.health_since == agent.health_checked_at
    assert told(agent) == ["healthy", "down"]
    assert agent.version == 1


def test_an_agent_without_an_adapter_is_as_well_as_it_was_lately_heard(db: None) -> None:
    agent, now = world.agent(), timezone.now()
    assert checking.check(agent, actor=SYSTEM, now=now).health_state == "unknown"
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=now)
    agent.refresh_from_db()
    assert checking.check(agent, actor=SYSTEM, now=now).health_state == "healthy"
    assert checking.check(agent, actor=SYSTEM, now=now + timedelta(days=1)).health_state == "degraded"


def test_the_health_is_checked_when_it_is_asked_for(db: None, claude: FakeClaude) -> None:
    agent = world.agent(adapter_module="claude_cli")
    operator = client_of(person("operator"))
    answer = operator.post(f"/api/agents/{agent.key}/health")
    assert answer.status_code == 200
    assert answer.json()["state"] == "healthy"
    assert answer.json()["checked_at"].endswith("Z")
    assert operator.get(f"/api/agents/{agent.pk}").json()["health"] == answer.json()


@pytest.mark.parametrize(
    ("role", "body", "status"), [("viewer", {}, 403), ("operator", {"deep": True}, 422), ("operator", {}, 200)]
)
def test_a_check_is_for_those_who_may_write_agents(role: str, body: Any, status: int, db: None) -> None:
    agent = world.agent()
    assert client_of(person(role)).post(f"/api/agents/{agent.key}/health", body, format="json").status_code == status


def test_a_check_of_an_unknown_agent_is_404_and_without_a_token_401(db: None) -> None:
    assert client_of(person("operator")).post("/api/agents/nobody/health").status_code == 404
    anonymous = client_of(person("operator"))
    anonymous.credentials()
    assert anonymous.post("/api/agents/nobody/health").status_code == 401


def test_the_round_asks_for_a_check_of_every_agent_with_an_adapter(committed_db: str) -> None:
    world.agent()
    world.agent(adapter_module="openai")
    world.agent(adapter_module="claude_cli")
    assert jobs.check_adapters() == 2
    assert OrmQ.objects.count() == 2
    assert jobs.check_agent(0) is None
