"""Many at once, with real connections: one winner for each claim, one PATCH for each version, no cycle."""

import multiprocessing
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from agents.models import Agent
from missions.events import TaskCreated
from missions.lifecycle import TaskStatus
from missions.models import Claim, Dependency, Mission, Task
from missions.services import claiming, planning
from tests.factories import client_with, person, token_of
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

PROCESSES, TASKS, CROWDED = 16, 1000, 10
AT_ONCE = 10


@pytest.fixture
def unblocked(committed_db: str, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Makes the calls at the same moment, each on a connection of its own; answers what each gave or raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return call()
        except IntegrityError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def claim_all(agent_id: int, crowded: list[int], seed: int, won: Any) -> None:
    """In a process of its own: claims the crowded tasks in order, then whatever is ready until nothing is."""
    agent, rolls = Agent.objects.get(pk=agent_id), random.Random(seed)
    ids, mine = list(crowded), 0
    while ids:
        for task_id in ids:
            try:
                claiming.claim(Task(pk=task_id), agent, ttl_s=600, actor=SYSTEM, now=timezone.now())
                mine += 1
            except claiming.ClaimedByAnother:
                continue
        ready = list(Task.objects.ready().values_list("pk", flat=True))
        ids = rolls.sample(ready, min(len(ready), 15))
    won.put((agent_id, mine))
    connections.close_all()


def many_tasks(owner: Mission) -> None:
    """So many tasks with their entries, stored at once."""
    now = timezone.now()
    with ledger.writing():
        rows = Task.objects.bulk_create(
            Task(mission=owner, objective=f"Task {number}", status_since=now, created_at=now, updated_at=now)
            for number in range(TASKS)
        )
        for row in rows:
            fields = planning.plain(row.values_of(*planning.TASK_FIELDS))
            ledger.record(TaskCreated(mission=owner.ref, task=row.ref, fields=fields), actor=SYSTEM, at=now)


@pytest.mark.breaks_history
def test_sixteen_processes_claim_a_thousand_tasks_and_each_has_one_winner(unblocked: Any) -> None:
    many_tasks(world.mission())
    agents = [world.agent().pk for _ in range(PROCESSES)]
    crowded = list(Task.objects.order_by("pk").values_list("pk", flat=True)[:CROWDED])
    connections.close_all()
    forking = multiprocessing.get_context("fork")
    won = forking.SimpleQueue()
    processes = [
        forking.Process(target=claim_all, args=(agent, crowded, seed, won)) for seed, agent in enumerate(agents)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    wins = dict(won.get() for _ in processes)
    assert sum(wins.values()) == TASKS
    claims = list(Claim.objects.values_list("agent_id", "fence"))
    assert len(claims) == TASKS
    assert {fence for _, fence in claims} == {1}
    assert {agent: sum(1 for holder, _ in claims if holder == agent) for agent in agents} == wins
    told = Entry.objects.filter(kind="task.claimed").values_list("task_id", flat=True)
    assert len(told) == len(set(told)) == TASKS


def test_of_ten_patches_with_one_etag_one_is_taken(unblocked: Any) -> None:
    row, token = world.task(), token_of(person())

    def patch(number: int) -> int:
        body = {"objective": f"Version {number}"}
        answer = client_with(token).patch(f"/api/tasks/{row.key}", body, format="json", headers=world.etag(1))
        return int(answer.status_code)

    statuses = at_once([lambda number=number: patch(number) for number in range(AT_ONCE)])  # type: ignore[misc]
    assert sorted(statuses) == [200, *[412] * (AT_ONCE - 1)]
    assert Task.objects.get(pk=row.pk).version == 2
    assert Entry.objects.of_task(row.pk).filter(kind="task.updated").count() == 1


def test_of_ten_patches_of_a_mission_with_one_etag_one_is_taken(unblocked: Any) -> None:
    row, token = world.mission(), token_of(person())
    tag = world.etag(row.version)

    def patch(number: int) -> int:
        body = {"goal": f"Version {number}", "status": "paused"}
        return int(client_with(token).patch(f"/api/missions/{row.key}", body, format="json", headers=tag).status_code)

    statuses = at_once([lambda number=number: patch(number) for number in range(AT_ONCE)])  # type: ignore[misc]
    assert sorted(statuses) == [200, *[412] * (AT_ONCE - 1)]
    assert Mission.objects.get(pk=row.pk).status == "paused"


def test_of_ten_reports_of_one_move_each_is_recorded_and_one_moves(unblocked: Any) -> None:
    row, token = world.task(), token_of(person())

    def report() -> int:
        body = {"progress": {"status": "in_progress", "outputs": {"a": 1}}}
        return int(client_with(token).post(f"/api/tasks/{row.key}/report", body, format="json").status_code)

    assert at_once([report] * AT_ONCE) == [200] * AT_ONCE
    assert Task.objects.get(pk=row.pk).attempts == 1
    assert Entry.objects.of_task(row.pk).filter(kind="task.moved").count() == 1
    assert Entry.objects.of_task(row.pk).filter(kind="task.reported").count() == AT_ONCE


def test_two_dependencies_at_once_close_no_cycle(unblocked: Any) -> None:
    one, other, token = world.task(), world.task(), token_of(person())

    def depend(row: Task, need: Task) -> int:
        client = client_with(token)
        return int(client.patch(f"/api/tasks/{row.key}", {"depends_on": [need.key]}, format="json").status_code)

    statuses = at_once([lambda: depend(one, other), lambda: depend(other, one)])
    assert sorted(statuses) == [200, 422]
    assert Dependency.objects.count() == 1


@pytest.mark.breaks_history
def test_two_inserts_past_the_services_close_no_cycle_either(unblocked: Any) -> None:
    one, other = world.task(), world.task()
    inserted = Barrier(2)

    def insert(row: Task, need: Task, first: bool) -> str:
        with transaction.atomic():
            if not first:
                inserted.wait(timeout=30)
            Dependency.objects.create(task=row, needs=need)
            if first:
                inserted.wait(timeout=30)
        return "stored"

    found = at_once([lambda: insert(one, other, True), lambda: insert(other, one, False)])
    assert found[0] == "stored"
    assert isinstance(found[1], IntegrityError)
    assert "would wait for itself" in str(found[1])
    assert Dependency.objects.count() == 1


def test_a_lease_that_runs_out_is_put_back_once_however_many_look(unblocked: Any) -> None:
    row, now = world.task(), timezone.now()
    claiming.claim(row, world.agent(), ttl_s=60, actor=SYSTEM, now=now)
    later = now + timedelta(seconds=61)
    assert sum(at_once([lambda: claiming.expire(now=later)] * AT_ONCE)) == 1
    assert Entry.objects.of_task(row.pk).filter(kind="task.released").count() == 1
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING
