"""Agents in the admin: useful lists at a fixed price, and every change through the services."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Activity, Agent
from tests.agents.rows import agent, agent_with_client, operator, told
from tests.factories import person, service
from traceability.models import Entry

pytestmark = pytest.mark.django_db
FORM = {
    "agent_id": "coder-1",
    "name": "",
    "status": "idle",
    "adapter_module": "",
    "adapter_config": "{}",
    "capabilities": '["python"]',
    "cost_per_mtok": "",
    "service_account": "",
}
INLINE = {
    "activities-TOTAL_FORMS": "0", "activities-INITIAL_FORMS": "0", "activities-MIN_NUM_FORMS": "0",
    "activities-MAX_NUM_FORMS": "0",
}  # fmt: skip


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(person("admin", email="root@example.org"))
    return client


def populate(count: int) -> Agent:
    row, theirs = agent_with_client(name="Coder")
    for number in range(count):
        more, _ = agent_with_client()
        operator().post("/api/usage", {"agent": more.key, "cost_usd": 1}, format="json")
        theirs.post(
            f"/api/agents/{row.key}/activity", {"event": "heartbeat", "context": {"note": f"n-{number}"}}, format="json"
        )
    return row


@pytest.mark.parametrize("name", ["agent", "activity", "usage"])
def test_a_list_costs_the_same_for_one_and_for_many(
    admin: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    populate(8)
    admin.get(f"/admin/agents/{name}/")
    with django_assert_max_num_queries(9):
        assert admin.get(f"/admin/agents/{name}/").status_code == 200


def test_an_agents_page_shows_its_last_activities_only(admin: Client, django_assert_max_num_queries: Any) -> None:
    row = populate(25)
    page = f"/admin/agents/agent/{row.pk}/change/"
    admin.get(page)
    with django_assert_max_num_queries(10):
        text = admin.get(page).content.decode()
    assert "n-24" in text
    assert "n-5" in text
    assert "n-4&" not in text
    assert text.count("heartbeat") < 60


def test_the_lists_are_searched_and_filtered(admin: Client) -> None:
    populate(2)
    for path in ("agent/?q=coder", "agent/?status=idle", "activity/?event=heartbeat&q=agent", "usage/?source=reported"):
        assert admin.get(f"/admin/agents/{path}").status_code == 200
    assert "Coder" in admin.get("/admin/agents/agent/?q=coder").content.decode()
    assert "Coder" not in admin.get("/admin/agents/agent/?q=nobody").content.decode()


def test_an_agent_is_made_and_revised_through_the_service(admin: Client) -> None:
    assert admin.post("/admin/agents/agent/add/", FORM).status_code == 302
    row = Agent.objects.get(agent_id="coder-1")
    assert (row.name, row.capabilities, row.adapter_config) == ("coder-1", ["python"], {})
    changed = {**FORM, **INLINE, "name": "Coder", "status": "blocked", "cost_per_mtok": "2.5"}
    assert admin.post(f"/admin/agents/agent/{row.pk}/change/", changed).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.status, row.version) == ("Coder", "blocked", 2)
    (entry,) = Entry.objects.filter(kind="agent.updated", agent_id=row.pk)
    assert (entry.actor_name, sorted(entry.data["fields"])) == ("root@example.org", ["cost_per_mtok", "name"])
    assert [each["because"] for each in told("agent.status_changed", row)] == ["revision"]


def test_a_secret_is_refused_at_the_form(admin: Client) -> None:
    answer = admin.post("/admin/agents/agent/add/", {**FORM, "adapter_config": '{"api_key": "abc"}'})
    assert answer.status_code == 200
    assert "looks like a secret" in answer.content.decode()
    assert not Agent.objects.exists()


def test_a_taken_key_is_told_at_the_form(admin: Client) -> None:
    agent(agent_id="coder-1")
    answer = admin.post("/admin/agents/agent/add/", FORM)
    assert (answer.status_code, Agent.objects.count()) == (200, 1)


def test_an_account_is_linked_by_an_admin_only(admin: Client) -> None:
    account, row = service(), agent(agent_id="coder-1", name="Coder")
    form = {**FORM, **INLINE, "name": "Coder", "capabilities": "[]", "service_account": account.pk}
    page = f"/admin/agents/agent/{row.pk}/change/"
    other = Client()
    other.force_login(person("operator"))
    other.post(page, form)
    row.refresh_from_db()
    assert row.service_account is None
    assert admin.post(page, form).status_code == 302
    row.refresh_from_db()
    assert row.service_account == account


def test_agents_are_taken_for_offline_and_idle_by_an_action(admin: Client) -> None:
    rows = [agent(), agent()]
    for action, status in (("take_offline", "offline"), ("take_idle", "idle")):
        form = {"action": action, "_selected_action": [row.pk for row in rows]}
        assert admin.post("/admin/agents/agent/", form).status_code == 302
        assert set(Agent.objects.values_list("status", flat=True)) == {status}
    assert len(told("agent.status_changed", rows[0])) == 2


def test_what_was_said_and_used_is_only_shown(admin: Client) -> None:
    row = populate(1)
    said = Activity.objects.filter(agent=row).latest("pk")
    assert admin.get(f"/admin/agents/activity/{said.pk}/change/").status_code == 200
    for path in (f"activity/{said.pk}/change/", f"activity/{said.pk}/delete/", "activity/add/", "usage/add/"):
        assert admin.post(f"/admin/agents/{path}", {"post": "yes"}).status_code == 403
    assert admin.post(f"/admin/agents/agent/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_viewer_sees_and_changes_nothing(client: Client) -> None:
    row = agent(name="Coder")
    client.force_login(person("viewer"))
    assert client.get("/admin/agents/agent/").status_code == 200
    assert client.get(f"/admin/agents/agent/{row.pk}/change/").status_code == 200
    assert client.post(f"/admin/agents/agent/{row.pk}/change/", {**FORM, **INLINE}).status_code == 403
    assert client.post("/admin/agents/agent/add/", FORM).status_code == 403
    client.post("/admin/agents/agent/", {"action": "take_offline", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.status, row.version) == ("idle", 1)
    assert row.created_at <= timezone.now()
