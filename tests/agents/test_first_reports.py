"""An unknown agent is registered by its first report when the token may; nobody speaks for another agent."""

import pytest

from agents.models import Activity, Agent
from tests.agents.rows import agent, agent_with_client, operator, told
from tests.factories import client_of, person, service

pytestmark = pytest.mark.django_db
BEAT = {"event": "session_start"}


def test_a_first_report_registers_the_agent_and_links_its_account() -> None:
    account = service()
    client = client_of(account)
    assert client.post("/api/agents/new-one/activity", BEAT, format="json").status_code == 201
    row = Agent.objects.get(agent_id="new-one")
    assert row.service_account == account
    assert [entry["by_report"] for entry in told("agent.created", row)] == [True]
    assert client.post("/api/agents/new-one/activity", BEAT, format="json").status_code == 201
    assert Agent.objects.count() == 1


def test_a_token_of_one_agent_registers_no_second_one() -> None:
    _, client = agent_with_client()
    answer = client.post("/api/agents/new-one/activity", BEAT, format="json")
    assert answer.status_code == 403
    assert not Agent.objects.filter(agent_id="new-one").exists()


def test_a_persons_report_registers_with_agents_write_only() -> None:
    assert operator().post("/api/agents/new-one/activity", BEAT, format="json").status_code == 201
    assert Agent.objects.get(agent_id="new-one").service_account is None
    narrow = client_of(person("operator"), ["agents:report"])
    assert narrow.post("/api/agents/new-one/activity", BEAT, format="json").status_code == 201
    refused = narrow.post("/api/agents/other-one/activity", BEAT, format="json")
    assert refused.status_code == 403
    assert "agents:write" in refused.json()["detail"]


@pytest.mark.parametrize("name", ["777", "-dash", "with space", "x" * 101])
def test_a_name_that_is_no_key_registers_nothing(name: str) -> None:
    assert operator().post(f"/api/agents/{name}/activity", BEAT, format="json").status_code == 404
    assert not Agent.objects.exists()


def test_another_agents_token_reports_nothing() -> None:
    row, _ = agent_with_client()
    _, stranger = agent_with_client()
    unlinked = agent()
    for target in (row, unlinked):
        assert stranger.post(f"/api/agents/{target.key}/activity", BEAT, format="json").status_code == 403
    assert not Activity.objects.exists()


def test_who_may_report_at_all() -> None:
    row = agent()
    path = f"/api/agents/{row.key}/activity"
    assert client_of(person("viewer")).post(path, BEAT, format="json").status_code == 403
    assert client_of(person("viewer")).get(path).status_code == 200
    assert operator().post(path, BEAT, format="json").status_code == 201


def test_a_refused_first_report_leaves_no_agent_behind() -> None:
    answer = operator().post("/api/agents/new-one/activity", [BEAT, {"event": "nothing"}], format="json")
    assert answer.status_code == 422
    assert not Agent.objects.exists()
