"""What an agent needs to decide well about a task, and which agents fit it."""

import json
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from knowledge.services import ingesting
from missions.lifecycle import TaskStatus
from missions.models import Task
from missions.services import planning, reviewing
from missions.services.reporting import Filing
from tests import telling
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability.events import SYSTEM
from traceability.services import planning as goals

pytestmark = pytest.mark.django_db


def rich_task() -> Task:
    """A task about which there is something to say in every part."""
    now = timezone.now()
    by: dict[str, Any] = {"actor": SYSTEM, "now": now}
    objective = goals.create_objective(objective_id=unique("o"), title="Be trusted", **by)
    result = goals.create_key_result(objective=objective, kr_id=unique("kr"), title="No outage", **by)
    goal = goals.create_requirement(
        requirement_id=unique("r"), title="Backups restore", description="Within an hour.", key_result=result, **by
    )
    need = world.task(status=TaskStatus.COMPLETED, objective="Choose a tool", outputs={"tool": "pgbackrest"})
    row = world.task(
        objective="Restore a backup nightly",
        description="Prove it works.",
        acceptance_criteria=["A restore ran last night."],
        requirements=[goal],
        depends_on=[need],
        agent=world.agent(),
    )
    telling.advisory(
        cause=unique("c"), kind="overdue", severity="warning", message="It was due.", mission=row.mission, task=row,
        opened_at=now,
    )  # fmt: skip
    world.lead(row, TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW)
    reviewing.reject(row, comment="Also check sums.", reviewer=person(), expected=None, **by)
    world.policy({"action_type": "deploy"}, [{"block": "Not on a Friday."}], description="Fridays")
    world.mission(mission_id="another")
    world.policy({"action_type": "deploy"}, [{"warn": "x"}], scope={"mission": ["another"]}, description="Elsewhere")
    ingesting.store_document(
        ingesting.Draft(title="Backups", content="# Restoring\n\nRestore a backup with pgbackrest restore."), **by
    )
    return Task.objects.get(pk=row.pk)


def context(client: APIClient, row: Task, tokens: int | None = None) -> Any:
    query = f"?max_tokens={tokens}" if tokens else ""
    return client.get(f"/api/tasks/{row.key}/context{query}")


def test_the_context_holds_all_that_helps_to_decide(operator: APIClient) -> None:
    row = rich_task()
    answer = context(operator, row)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["task"], told["max_tokens"], told["left_out"]) == (row.key, 4000, [])
    parts = {each["section"]: each["items"] for each in told["sections"]}
    assert list(parts) == [
        "task", "goals", "dependencies", "reviews", "policies", "advisories", "knowledge", "trace",
    ]  # fmt: skip
    assert parts["task"][0]["objective"] == "Restore a backup nightly"
    assert {"criterion": "A restore ran last night."} in parts["task"]
    assert parts["goals"][0]["goal"] == row.mission.goal
    assert (parts["goals"][1]["title"], parts["goals"][1]["objective"]) == ("Backups restore", "Be trusted")
    assert parts["dependencies"][0]["outputs"] == {"tool": "pgbackrest"}
    assert parts["reviews"][0]["comment"] == "Also check sums."
    assert [each["description"] for each in parts["policies"]] == ["Fridays"]
    assert parts["advisories"][0]["message"] == "It was due."
    assert "pgbackrest" in parts["knowledge"][0]["text"]
    assert parts["trace"][0]["event"] == "task.reviewed"


@pytest.mark.parametrize("tokens", [500, 700, 1000, 2000])
def test_the_context_keeps_within_its_tokens_and_says_what_it_left_out(operator: APIClient, tokens: int) -> None:
    row = rich_task()
    long = "A long text. " * 2000
    planning.revise_task(row, expected=None, description=long, actor=SYSTEM, now=timezone.now())
    world.file(row, Filing(outputs={"log": long, "branch": "b"}))
    answer = context(operator, row, tokens)
    told = answer.json()
    assert len(answer.content) * 2 / 7 <= tokens
    assert told["tokens"] <= tokens
    assert told["left_out"] or " …" in json.dumps(told["sections"], ensure_ascii=False)
    kept = {each["section"]: len(each["items"]) for each in told["sections"]}
    assert kept["task"] >= 2
    assert json.dumps(told["sections"][0]).count("Restore a backup nightly") == 1


@pytest.mark.parametrize("query", ["max_tokens=499", "max_tokens=200001", "max_tokens=x", "max_tokens=%C2%B2", "a=1"])
def test_a_bad_number_of_tokens_is_400(operator: APIClient, query: str) -> None:
    assert operator.get(f"/api/tasks/{world.task().key}/context?{query}").status_code == 400


def test_the_context_costs_the_same_for_one_dependency_and_for_many(
    operator: APIClient, django_assert_max_num_queries: Any
) -> None:
    row = rich_task()
    needs = [world.task(status=TaskStatus.COMPLETED) for _ in range(6)]
    planning.revise_task(row, expected=None, depends_on=needs, actor=SYSTEM, now=timezone.now())
    context(operator, row)
    with django_assert_max_num_queries(16):
        assert context(operator, row, 20_000).status_code == 200


def test_agents_are_ranked_with_their_reasons(operator: APIClient, django_assert_num_queries: Any) -> None:
    able = world.agent(capabilities=["python", "sql"])
    busy = world.agent(capabilities=["python", "sql"])
    unable = world.agent(capabilities=["prose"])
    for _ in range(2):
        world.task(agent=able, status=TaskStatus.COMPLETED)
        world.task(agent=busy, status=TaskStatus.IN_PROGRESS)
    row = world.task(required_capabilities=["python", "sql"])
    operator.get("/api/tasks")
    with django_assert_num_queries(5):
        told = operator.get(f"/api/tasks/{row.key}/candidates").json()
    assert told["task"] == row.key
    assert [each["agent"] for each in told["candidates"]] == [able.key, busy.key, unable.key]
    reasons = [each["reasons"] for each in told["candidates"]]
    assert reasons[0] == ["has python, sql", "completed 2 of 2 tasks", "is free"]
    assert "is at work on 2 tasks" in reasons[1]
    assert "lacks python, sql" in reasons[2]
    assert Task.objects.get(pk=row.pk).agent is None


def test_an_agent_that_is_away_ranks_lower(operator: APIClient) -> None:
    away, here = world.agent(status="offline"), world.agent()
    found = operator.get(f"/api/tasks/{world.task().key}/candidates").json()["candidates"]
    assert [each["agent"] for each in found] == [here.key, away.key]
    assert "is offline" in found[1]["reasons"]


@pytest.mark.parametrize("what", ["context", "candidates"])
def test_advice_is_read_with_the_scope_to_read_tasks(what: str) -> None:
    row = world.task()
    assert client_of(person("viewer")).get(f"/api/tasks/{row.key}/{what}").status_code == 200
    assert client_of(person("viewer"), ["missions:read"]).get(f"/api/tasks/{row.key}/{what}").status_code == 403
    assert client_of(person("viewer")).get(f"/api/tasks/nothing/{what}").status_code == 404
