"""Many reports at the same moment, with real transactions: nothing twice, nothing lost, no deadlock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from agents.models import Activity, Agent, Usage
from missions.models import Mission, Task
from tests.agents.rows import agent, mission, task, told
from tests.factories import client_of, client_with, person, service, token_of
from traceability.models import Entry

MANY = 20


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Calls every job from a thread of its own at the same moment; answers what each gave."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.fixture(autouse=True)
def real_commits(committed_db: str) -> None:
    """Each test has a database of its own."""


def test_twenty_reports_of_one_usage_id_are_one_row_and_one_charge() -> None:
    account = service()
    row = agent(service_account=account)
    work, token = task(agent=row), token_of(account)
    body = {"usage_id": "req-1", "cost_usd": "0.10", "task": work.key}

    def ask() -> Any:
        return client_with(token).post("/api/usage", body, format="json")

    answers = at_once(*[ask] * MANY)
    assert sorted(answer.status_code for answer in answers) == [200] * (MANY - 1) + [201]
    assert sum(answer.json()["counted"] for answer in answers) == 1
    assert Usage.objects.count() == 1
    payers: list[Any] = [Task.objects.get(), Mission.objects.get(), Agent.objects.get()]
    paid = [payer.cost_usd for payer in payers]
    assert paid == [Decimal("0.10")] * 3
    assert Entry.objects.filter(kind="task.costed").count() == 1


def test_twenty_first_reports_register_one_agent() -> None:
    token = token_of(service())

    def ask() -> Any:
        return client_with(token).post("/api/agents/new-one/activity", {"event": "session_start"}, format="json")

    assert [answer.status_code for answer in at_once(*[ask] * MANY)] == [201] * MANY
    row = Agent.objects.get()
    assert row.activities.count() == MANY
    assert len(told("agent.created", row)) == 1


def test_one_account_registers_one_agent_however_many_names_it_gives() -> None:
    token = token_of(service())
    jobs = [
        lambda name=f"new-{number}": client_with(token).post(
            f"/api/agents/{name}/activity", {"event": "session_start"}, format="json"
        )
        for number in range(8)
    ]
    codes = [answer.status_code for answer in at_once(*jobs)]
    assert codes.count(201) == 1
    assert set(codes) <= {201, 403, 409}
    assert (Agent.objects.count(), Activity.objects.count()) == (1, 1)


def test_use_from_every_door_at_once_adds_up_and_never_deadlocks() -> None:
    of, rows = mission(), [agent() for _ in range(2)]
    works = [task(of, agent=rows[number % 2]) for number in range(4)]
    client_token = token_of(person("operator"))

    def spend(number: int) -> Callable[[], Any]:
        work, row = works[number % 4], rows[number % 2]
        use = {"usage_id": f"u-{number}", "cost_usd": "0.01"}
        bodies: list[tuple[str, Any]] = [
            ("/api/usage", {**use, "agent": row.key, "task": work.key}),
            (f"/api/tasks/{work.key}/report", {"progress": {"percent": number, "usage": use}}),
            (f"/api/agents/{row.key}/activity", [
                {"event": "task_start", "context": {"task": work.key}, "usage": use},
                {"event": "heartbeat", "context": {"mission": of.key}},
            ]),
        ]  # fmt: skip
        path, body = bodies[number % 3]
        return lambda: client_with(client_token).post(path, body, format="json")

    answers = at_once(*[spend(number) for number in range(24)])
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.content for answer in answers]
    total = Decimal("0.24")
    assert Usage.objects.count() == 24
    assert Mission.objects.get(pk=of.pk).cost_usd == total
    for table in (Task, Agent):
        assert table.objects.aggregate(all=Sum("cost_usd"))["all"] == total
    viewer = client_of(person("operator"))
    assert viewer.post(f"/api/missions/{of.key}/replay", {}, format="json").json()["matches_current"]


def test_events_of_one_agent_at_once_are_all_kept_and_history_follows_one_line() -> None:
    account = service()
    row = agent(service_account=account)
    token = token_of(account)

    def say(event: str) -> Callable[[], Any]:
        return lambda: client_with(token).post(f"/api/agents/{row.key}/activity", {"event": event}, format="json")

    events = ["task_start", "waiting_for_input", "heartbeat", "stop", "error"] * 4
    assert {answer.status_code for answer in at_once(*[say(event) for event in events])} == {201}
    assert row.activities.count() == len(events)
    changes = told("agent.status_changed", row)
    assert changes[0]["before"] == "idle"
    assert all(before["after"] == after["before"] for before, after in pairwise(changes))
    assert Agent.objects.get(pk=row.pk).status == changes[-1]["after"]
