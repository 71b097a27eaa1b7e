"""Use is counted once, charged to who pays, and shown with what is reported, computed and unknown."""

from decimal import Decimal
from typing import Any

import pytest

from agents.models import Usage
from missions.models import Mission, Task
from tests.agents.rows import agent, agent_with_client, mission, operator, task
from tests.factories import client_of, person
from traceability.models import Entry

pytestmark = pytest.mark.django_db
SONNET = {"model": "claude-sonnet-5", "input_tokens": 1000, "output_tokens": 100}


def test_a_report_is_stored_with_both_costs_and_charged_up_to_the_mission() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    answer = client.post("/api/usage", {"usage": {**SONNET, "task": work.key, "cost_usd": "0.004185"}}, format="json")
    assert answer.status_code == 201
    assert answer.json() == {
        "counted": True,
        "source": "reported",
        "cost_usd": "0.004185",
        "cost_computed_usd": "0.003",
    }
    stored = Usage.objects.get()
    assert (stored.agent, stored.task_key, stored.mission_key) == (row, work.key, work.mission.key)
    assert (stored.cost_reported_usd, stored.cost_computed_usd) == (Decimal("0.004185"), Decimal("0.003"))
    row.refresh_from_db()
    paid = [row.cost_usd, Task.objects.get(pk=work.pk).cost_usd, Mission.objects.get(pk=work.mission_id).cost_usd]
    assert paid == [Decimal("0.004185")] * 3
    assert row.tokens == 1100


def test_the_same_usage_id_counts_once_for_an_agent() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    body = {**SONNET, "usage_id": "req-1", "task": work.key}
    first, again = (client.post("/api/usage", body, format="json") for _ in range(2))
    assert (first.status_code, first.json()["counted"]) == (201, True)
    assert (again.status_code, again.json()["counted"]) == (200, False)
    assert Usage.objects.count() == 1
    assert Task.objects.get(pk=work.pk).cost_usd == Decimal("0.003")
    _, other = agent_with_client()
    assert other.post("/api/usage", {**SONNET, "usage_id": "req-1"}, format="json").status_code == 201
    for code in (201, 200):
        assert operator().post("/api/usage", {**SONNET, "usage_id": "req-1"}, format="json").status_code == code
    assert Entry.objects.filter(kind="task.costed", task_id=work.pk).count() == 1


def test_a_list_counts_each_once_and_bills_each_task_once() -> None:
    row, client = agent_with_client()
    of = mission()
    works = [task(of, agent=row) for _ in range(2)]
    uses = [
        {"cost_usd": 1, "usage_id": f"u-{index % 4}", "task": works[index % 2].key, "model": "house"}
        for index in range(8)
    ]
    answer = client.post("/api/usage", uses, format="json")
    assert answer.json()["counted"] == 4
    assert [each["counted"] for each in answer.json()["results"]] == [True] * 4 + [False] * 4
    assert [str(each.cost_usd) for each in Task.objects.filter(mission=of).order_by("pk")] == ["2.000000"] * 2
    assert Mission.objects.get(pk=of.pk).cost_usd == 4
    assert Entry.objects.filter(kind="task.costed", mission_id=of.pk).count() == 2
    assert client.post("/api/usage", uses, format="json").status_code == 200


def test_a_list_takes_as_many_statements_as_one(django_assert_num_queries: Any) -> None:
    row, client = agent_with_client()
    work = task(agent=row)

    def uses(count: int, first: str) -> list[dict[str, Any]]:
        return [{**SONNET, "usage_id": f"{first}-{number}", "task": work.key} for number in range(count)]

    client.post("/api/usage", uses(1, "warm"), format="json")
    for count in (1, 50):
        with django_assert_num_queries(15):
            client.post("/api/usage", uses(count, f"of-{count}"), format="json")
    assert Usage.objects.count() == 52


def test_unknown_stays_unknown() -> None:
    row, client = agent_with_client()
    answer = client.post("/api/usage", {"model": "house-model", "output_tokens": 500}, format="json")
    assert answer.json() == {"counted": True, "source": "unknown", "cost_usd": None, "cost_computed_usd": None}
    row.refresh_from_db()
    assert (row.cost_usd, row.tokens) == (Decimal(0), 500)
    group = client.get("/api/usage").json()["results"][0]
    assert group["cost_usd"] is None
    assert group["reports_by_source"] == {"reported": 0, "computed": 0, "unknown": 1}


def test_an_agents_own_price_is_the_last_resort() -> None:
    row = agent(cost_per_mtok=Decimal(2))
    answer = operator().post(
        "/api/usage", {"agent": row.key, "model": "house-model", "output_tokens": 500_000}, format="json"
    )
    assert (answer.json()["source"], answer.json()["cost_usd"]) == ("computed", "1.00")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"agent": "nobody"}, "agent"),
        ({"task": "nobody"}, "task"),
        ({"mission": "nobody"}, "mission"),
        ({"task": ["a"]}, "task"),
        ({"agent": True}, "agent"),
        ({"colour": "red"}, "colour"),
        ({"input_tokens": -1}, "input_tokens"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_and_nothing_of_a_list_is_stored(more: Any, field: str) -> None:
    client = operator()
    alone = client.post("/api/usage", {**SONNET, **more}, format="json")
    assert (alone.status_code, list(alone.json()["errors"])) == (422, [field])
    listed = client.post("/api/usage", [SONNET, {**SONNET, **more}], format="json")
    assert (listed.status_code, list(listed.json()["errors"])) == (422, [f"1.{field}"])
    assert not Usage.objects.exists()


@pytest.mark.parametrize("body", [[], [SONNET] * 101, "text", 5, [5], None])
def test_a_body_that_is_no_use_is_refused(body: Any) -> None:
    assert operator().post("/api/usage", body, format="json").status_code in {400, 422}
    assert not Usage.objects.exists()


def test_an_agent_reports_its_own_use_only() -> None:
    _, client = agent_with_client()
    other, _ = agent_with_client()
    work = task(agent=other)
    assert client.post("/api/usage", {**SONNET, "agent": other.key}, format="json").status_code == 403
    assert client.post("/api/usage", {**SONNET, "task": work.key}, format="json").status_code == 422
    assert not Usage.objects.exists()
    viewer = client_of(person("viewer"))
    assert viewer.post("/api/usage", SONNET, format="json").status_code == 403
    assert viewer.get("/api/usage").status_code == 200
    assert client_of(person("viewer"), ["tasks:read"]).get("/api/usage").status_code == 403


def spend() -> tuple[Any, Any, Any]:
    """Two agents and a task with reported, computed and unknown use."""
    one, _ = agent_with_client(agent_id="one")
    two, _ = agent_with_client(agent_id="two")
    work, client = task(agent=one), operator()
    for whose, more in (
        (one, {"task": work.key, "cost_usd": "1.50", "model": "claude-opus-5", "timestamp": "2026-11-01T23:59:00Z"}),
        (one, {"model": "claude-sonnet-5", "output_tokens": 100_000, "timestamp": "2026-11-02T00:01:00Z"}),
        (two, {"model": "house", "output_tokens": 10, "timestamp": "2026-11-02T12:00:00Z"}),
    ):
        assert client.post("/api/usage", {"agent": whose.key, **more}, format="json").status_code == 201
    return one, two, work


def test_use_is_summed_by_agent_with_its_shares_in_one_statement(django_assert_num_queries: Any) -> None:
    spend()
    client = operator()
    client.get("/api/usage")
    with django_assert_num_queries(2):
        found = client.get("/api/usage?group_by=agent").json()
    one, two = found["results"]
    assert (found["group_by"], found["truncated"]) == (["agent"], False)
    assert (one["agent"], one["cost_usd"], one["cost_reported_usd"], one["cost_computed_usd"]) == (
        "one", "2.50", "1.50", "1.00",
    )  # fmt: skip
    assert one["reports_by_source"] == {"reported": 1, "computed": 1, "unknown": 0}
    assert (two["agent"], two["cost_usd"], two["tokens_by_source"]["unknown"]) == ("two", None, 10)


def test_use_is_summed_by_task_mission_model_and_day() -> None:
    _, _, work = spend()
    client = operator()

    def groups(query: str) -> list[dict[str, Any]]:
        return client.get(f"/api/usage?{query}").json()["results"]  # type: ignore[no-any-return]

    assert {row["task"] for row in groups("group_by=task")} == {work.key, None}
    assert {row["mission"]: row["reports"] for row in groups("group_by=mission")} == {work.mission.key: 1, None: 2}
    assert {row["model"] for row in groups("group_by=model")} == {"claude-opus-5", "claude-sonnet-5", "house"}
    assert {row["day"]: row["reports"] for row in groups("group_by=day")} == {"2026-11-01": 1, "2026-11-02": 2}
    both = groups("group_by=agent,day")
    assert {(row["agent"], row["day"]) for row in both} == {
        ("one", "2026-11-01"), ("one", "2026-11-02"), ("two", "2026-11-02"),
    }  # fmt: skip


def test_use_is_narrowed() -> None:
    _, _, work = spend()
    client = operator()

    def reports(query: str) -> int:
        return sum(row["reports"] for row in client.get(f"/api/usage?{query}").json()["results"])

    assert reports("agent=one") == 2
    assert reports(f"task={work.key}") == 1
    assert reports(f"mission={work.mission_id}") == 1
    assert reports("model=house") == 1
    assert reports("source=reported,unknown") == 2
    assert reports("after=2026-11-02T00:00:00Z&before=2026-11-02T06:00:00Z") == 1
    for wrong in ("group_by=colour", "group_by=", "colour=red", "source=rumour", "after=yesterday"):
        assert client.get(f"/api/usage?{wrong}").status_code == 400


def test_a_report_on_a_task_carries_its_use() -> None:
    row, client = agent_with_client()
    work = task(agent=row)
    body = {"progress": {"status": "in_progress", "usage": {**SONNET, "usage_id": "r-1"}}}
    assert client.post(f"/api/tasks/{work.key}/report", body, format="json").status_code == 200
    assert Usage.objects.get().agent == row
    assert Task.objects.get(pk=work.pk).cost_usd == Decimal("0.003")
    wrong = {"progress": {"usage": {"input_tokens": -5}}}
    answer = client.post(f"/api/tasks/{work.key}/report", wrong, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["usage.input_tokens"])
