"""So many runs of a mission and of an agent go on at a time, and no more, whoever tries."""

import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from agents.models import Agent
from missions.models import Execution, Mission
from missions.services import beginning, executing, waking
from missions.supervision import executor
from tests.factories import client_of, person
from tests.missions import world
from tests.running.runs import fresh, queued
from tests.running.taken import ended, taken
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")

WORKER = """
import sys
import django
django.setup()
from tests.running.test_limits import work
work([int(each) for each in sys.argv[2:]], int(sys.argv[1]))
"""


def an_agent(**config: Any) -> Agent:
    return world.agent(adapter_module="claude_code", adapter_config=config)


def of(mission: Mission, agent: Agent, count: int = 1) -> list[Execution]:
    """Queued executions of new tasks."""
    tasks = [world.task(mission, agent=agent) for _ in range(count)]
    return [executing.request_execution(task, actor=SYSTEM, now=timezone.now()) for task in tasks]


def begins(execution: Execution) -> bool:
    return beginning.begin(execution.pk, host="here", now=timezone.now()) is not None


def asked_for() -> int:
    """How many messages ask for executions; they are taken away."""
    return int(OrmQ.objects.filter(key=waking.QUEUE).delete()[0])


def work(ids: list[int], seed: int) -> None:
    """Takes and ends executions in a random order until none of them is queued."""
    chance = random.Random(seed)
    while left := list(Execution.objects.filter(pk__in=ids, state="queued").values_list("pk", flat=True)):
        begun = beginning.begin(chance.choice(left), host="here", now=timezone.now())
        if begun is not None:
            ended(begun)


def most_at_once(column: str) -> dict[int, int]:
    """By mission or agent: how many runs went on at a time at most, as the ledger tells it in each mission's order."""
    now: dict[int, set[int]] = {}
    most: dict[int, int] = {}
    for entry in Entry.objects.of_kind("execution").order_by("stream", "seq"):
        whose = now.setdefault(getattr(entry, column), set())
        if entry.kind == "execution.started":
            whose.add(entry.data["execution"])
        elif entry.kind != "execution.queued":
            whose.discard(entry.data["execution"])
        most[getattr(entry, column)] = max(most.get(getattr(entry, column), 0), len(whose))
    return most


@pytest.mark.parametrize("whose", ["mission", "agent"])
def test_one_over_the_limit_stays_queued_and_is_asked_for_when_another_ends(whose: str, settings: Any) -> None:
    settings.EXECUTIONS_PER_MISSION, settings.EXECUTIONS_PER_AGENT = (1, 9) if whose == "mission" else (9, 1)
    mission, agent = world.mission(), an_agent()
    first, second, third = of(mission, agent, 3)
    begun = taken(first)
    assert not begins(second)
    assert not begins(third)
    assert (fresh(second).state, fresh(second).attempt) == ("queued", 0)
    asked_for()
    assert waking.wake_waiting(now=timezone.now()) == 0, "there is no place"
    ended(begun)
    assert asked_for() == 1
    assert fresh(second).woken_at is not None
    assert fresh(third).woken_at is None
    ended(taken(second))
    ended(taken(third))


def test_a_mission_and_an_agent_say_their_own_limits() -> None:
    mission, agent = world.mission(execution_limit=3), an_agent(limit=2)
    runs = of(mission, agent, 4)
    assert [begins(run) for run in runs] == [True, True, False, False]
    others = of(mission, an_agent(), 2)
    assert [begins(run) for run in others] == [True, False]
    operator = client_of(person("operator"))
    answer = operator.patch(f"/api/missions/{mission.key}", {"execution_limit": 5}, format="json")
    assert answer.json()["execution_limit"] == 5
    assert begins(others[1])
    for bad in (0, 1001, "3", True):
        answer = operator.patch(f"/api/missions/{mission.key}", {"execution_limit": bad}, format="json")
        assert answer.status_code == 422, bad


def test_an_agents_limit_counts_over_all_its_missions() -> None:
    agent = an_agent(limit=1)
    [here], [there] = of(world.mission(), agent), of(world.mission(), agent)
    begun = taken(here)
    assert not begins(there)
    asked_for()
    ended(begun)
    assert asked_for() == 1
    assert begins(there)


def test_a_limit_that_cannot_be_is_passed_over() -> None:
    agent = an_agent(limit="many")
    assert [begins(run) for run in of(world.mission(), agent, 3)] == [True, True, False]


def test_a_full_agent_does_not_hold_up_the_others_of_its_mission() -> None:
    mission, busy = world.mission(), an_agent(limit=1)
    first, *waiting = of(mission, busy, 5)
    [other] = of(mission, an_agent())
    taken(first)
    Execution.objects.filter(state="queued").update(woken_at=None)
    asked_for()
    assert waking.wake_waiting(now=timezone.now()) == 1
    assert fresh(other).woken_at is not None
    assert all(fresh(each).woken_at is None for each in waiting)


def test_a_run_that_may_not_begin_gives_its_place_to_the_next() -> None:
    mission, agent = world.mission(), an_agent(limit=1)
    first, second = of(mission, agent, 2)
    Execution.objects.filter(pk=second.pk).update(woken_at=None)
    world.lead(first.task, "in_progress", "completed")  # type: ignore[arg-type]
    asked_for()
    assert not begins(first)
    assert fresh(first).state == "cancelled"
    assert asked_for() == 1
    assert begins(second)


def test_many_threads_never_pass_a_limit(settings: Any) -> None:
    settings.EXECUTIONS_PER_MISSION = 3
    missions, agents = [world.mission() for _ in range(2)], [an_agent(limit=1), an_agent(limit=2), an_agent(limit=2)]
    ids = [run.pk for mission in missions for agent in agents for run in of(mission, agent, 5)]
    start = threading.Barrier(8)

    def one(seed: int) -> None:
        try:
            start.wait()
            work(ids, seed)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert set(Execution.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"succeeded"}
    assert all(most <= 3 for most in most_at_once("mission_id").values())
    for mission in missions:
        entries = Entry.objects.of_kind("execution.ended").filter(mission_id=mission.pk)
        assert entries.count() == 15, "each ended once"


def test_many_processes_never_pass_a_limit(committed_db: str) -> None:
    """The agents are of one mission each, so that the order of its stream is the order of all their runs."""
    mission = world.mission(execution_limit=2)
    agents = [an_agent(limit=1) for _ in range(3)]
    ids = [run.pk for agent in agents for run in of(mission, agent, 4)]
    root = str(settings.BASE_DIR)
    environment = {**os.environ, "DATABASE_URL": committed_db, "DJANGO_SETTINGS_MODULE": "coordinator.settings"}
    command = [sys.executable, "-c", WORKER]
    workers = [
        subprocess.Popen([*command, str(seed), *map(str, ids)], env={**environment, "PYTHONPATH": root}, cwd=root)
        for seed in range(3)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert set(Execution.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"succeeded"}
    assert most_at_once("mission_id") == {mission.pk: 2}
    assert most_at_once("agent_id") == {agent.pk: 1 for agent in agents}


def test_a_queue_that_holds_messages_has_lost_none() -> None:
    execution = queued()
    later = timezone.now() + waking.LOST_MESSAGE_AFTER * 2
    assert waking.wake_waiting(now=later) == 0
    asked_for()
    assert waking.wake_waiting(now=later) == 1
    assert waking.wake_waiting(now=later) == 0, "somebody was asked just now"
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())


def test_the_janitor_costs_three_statements_when_nothing_is_to_be_done() -> None:
    taken(queued())
    with CaptureQueriesContext(connection) as quiet:
        assert executor.janitor(now=timezone.now()) == 0
    assert len(quiet) == 3


def test_beginning_costs_the_same_however_many_wait_and_run() -> None:
    mission, agent = world.mission(execution_limit=900), an_agent(limit=900)
    first, *others = of(mission, agent, 12)

    def cost(execution: Execution) -> int:
        with CaptureQueriesContext(connection) as told:
            assert begins(execution)
        return len(told)

    before = cost(first)
    for other in others[:-1]:
        taken(other)
    assert cost(others[-1]) == before
