"""The workers as real processes: what they do, what kills them, and what is left afterwards."""

import os
import signal
import time
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from agents.models import Agent
from coordinator import schedules
from missions import replay
from missions.lifecycle import MissionStatus
from missions.models import Execution, Mission, MissionProcess
from missions.services import executing, steering
from missions.services.executing import Wanted
from missions.supervision import presence
from tests.faults.crew import Workers, none_live
from tests.faults.hosting.probing import probe
from tests.missions import world
from tests.running.agents_at_hand import FakeClaude, lives, until
from traceability.events import SYSTEM
from traceability.models import Entry

DEFAULT = "coordinator"
BY_KILL = signal.SIGKILL


def state_of(mission: Mission) -> str:
    return MissionProcess.objects.values_list("state", flat=True).get(mission=mission)


def move(mission: Mission, after: MissionStatus) -> None:
    steering.move_mission(mission, after, expected=None, actor=SYSTEM, now=timezone.now())


def wait_until_running(mission: Mission, *, within_s: float) -> float:
    """How long it took until the mission's process ran."""
    began = time.monotonic()
    until(lambda: state_of(mission) == "running", within_s=within_s)
    return time.monotonic() - began


def checked(agent: Agent) -> bool:
    return Agent.objects.get(pk=agent.pk).health_checked_at is not None


def begin(claude: FakeClaude, objective: str = "hang grandchild") -> Execution:
    """An execution that runs, with a grandchild of its agent."""
    task = world.task(agent=world.agent(adapter_module="claude_code"), objective=objective)
    execution = executing.request_execution(task, actor=SYSTEM, now=timezone.now())
    until(lambda: len(claude.runs) == 2, within_s=5)
    return execution


def family(claude: FakeClaude) -> list[int]:
    """The processes of the agent's first run."""
    return [claude.runs[0]["pid"], claude.runs[1]["grandchild"]]


def ends_of(execution: Execution) -> list[Any]:
    rows = Entry.objects.of_kind("execution.ended").filter(task_id=execution.task_id)
    return [row.data["failure"] for row in rows.order_by("id")]


def dead(pid: int) -> bool:
    return not lives(pid)


def guarded_by_another(workers: Workers, queue: str, before: int) -> bool:
    return workers.guard(queue) != before


def test_a_mission_process_starts_and_stops_within_about_a_second(workers: Workers) -> None:
    mission = world.mission()
    assert wait_until_running(mission, within_s=5) < 1.5
    assert MissionProcess.objects.get(mission=mission).host == presence.machine()
    probe([mission], since=time.monotonic(), within_s=5)
    move(mission, MissionStatus.PAUSED)
    until(lambda: state_of(mission) == "stopped", within_s=1.5)
    move(mission, MissionStatus.ACTIVE)
    assert wait_until_running(mission, within_s=5) < 1.5
    move(mission, MissionStatus.COMPLETED)
    until(lambda: state_of(mission) == "stopped", within_s=1.5)
    assert replay.replay(mission)["differences"] == []


def test_short_jobs_run_while_every_execution_worker_is_busy(workers: Workers, claude: FakeClaude) -> None:
    begin(claude)
    agent = world.agent()
    async_task("agents.jobs.check_agent", agent.pk, save=False)
    until(lambda: checked(agent), within_s=3)
    assert Schedule.objects.count() == len(schedules.TABLE)


def test_a_stop_leaves_no_process_and_gives_the_work_back(workers: Workers, claude: FakeClaude) -> None:
    execution = begin(claude)
    mission = execution.mission
    wait_until_running(mission, within_s=5)
    everybody = [*workers.all(), *family(claude)]
    began = time.monotonic()
    os.kill(workers.pid, signal.SIGTERM)
    assert workers.process.wait(5) == 0
    assert time.monotonic() - began < 4
    assert none_live(everybody)
    execution.refresh_from_db()
    assert (execution.state, execution.failure) == ("failed", "interrupted")
    process = MissionProcess.objects.get(mission=mission)
    assert (process.state, process.owner, process.host) == ("running", None, "")


def test_a_signal_to_every_process_at_once_leaves_none(workers: Workers) -> None:
    everybody = workers.all()
    for pid in everybody:
        os.kill(pid, signal.SIGTERM)
    assert workers.process.wait(5) == 0
    assert none_live(everybody)


def test_nobody_outlives_a_killed_command_and_the_next_one_clears_up(workers: Workers, claude: FakeClaude) -> None:
    execution = begin(claude, "hang runaway")
    everybody = [*workers.all(), *family(claude)]
    assert len(everybody) > 10
    os.kill(workers.pid, BY_KILL)
    workers.process.wait()
    until(lambda: none_live(everybody), within_s=3)
    workers.start()
    until(lambda: ends_of(execution) == ["crashed"], within_s=20)


def test_a_killed_workers_run_is_tried_again_and_has_its_effect_once(workers: Workers, claude: FakeClaude) -> None:
    task = world.task(agent=world.agent(adapter_module="claude_code"), objective="hang-once runaway")
    wanted = Wanted(max_attempts=3)
    execution = executing.request_execution(task, wanted, actor=SYSTEM, now=timezone.now())
    until(lambda: len(claude.runs) == 2, within_s=5)
    os.kill(workers.worker("exec"), BY_KILL)
    until(lambda: none_live(family(claude)), within_s=3)
    until(lambda: Execution.objects.get(pk=execution.pk).state == "succeeded", within_s=20)
    execution.refresh_from_db()
    assert (execution.attempt, ends_of(execution)) == (2, [""])
    execution.mission.refresh_from_db()
    assert execution.mission.cost_usd == execution.cost_usd
    assert execution.mission.cost_usd > 0
    assert replay.replay(execution.mission)["differences"] == []


def test_a_killed_worker_ends_its_execution_exactly_once(workers: Workers, claude: FakeClaude) -> None:
    execution = begin(claude)
    os.kill(workers.worker("exec"), BY_KILL)
    until(lambda: ends_of(execution), within_s=12)
    until(lambda: none_live(family(claude)))
    execution.refresh_from_db()
    assert (execution.state, execution.failure, execution.attempt) == ("failed", "crashed", 1)
    execution.task.refresh_from_db()
    assert execution.task.status == "pending"
    again = executing.request_execution(world.task(agent=execution.agent), actor=SYSTEM, now=timezone.now())
    until(lambda: Execution.objects.get(pk=again.pk).state == "succeeded", within_s=10)
    assert ends_of(execution) == ["crashed"]
    assert replay.replay(execution.mission)["differences"] == []


def test_a_killed_idle_worker_does_not_hold_up_its_queue(workers: Workers) -> None:
    for _ in range(2):
        victim = workers.worker(DEFAULT)
        os.kill(victim, BY_KILL)
        until(partial(dead, victim))
        agent = world.agent()
        async_task("agents.jobs.check_agent", agent.pk, save=False)
        until(partial(checked, agent), within_s=5)
        until(lambda: not OrmQ.objects.filter(key=DEFAULT).exists(), within_s=5)


@pytest.mark.parametrize("who", ["worker", "guard"])
def test_a_killed_host_is_followed_by_another(who: str, workers: Workers) -> None:
    first = world.mission()
    wait_until_running(first, within_s=5)
    victim = getattr(workers, who)(presence.HOSTS)
    os.kill(victim, BY_KILL)
    until(lambda: not lives(victim))
    second = world.mission()
    assert wait_until_running(second, within_s=8) < 5
    probe([first], since=time.monotonic(), within_s=5)
    assert state_of(first) == "running"


def test_killed_guards_are_started_again(workers: Workers, claude: FakeClaude) -> None:
    for queue in (DEFAULT, "exec"):
        victim = workers.guard(queue)
        left = [pid for pid in workers.all() if pid != workers.pid]
        os.kill(victim, BY_KILL)
        until(partial(dead, victim))
        until(partial(guarded_by_another, workers, queue, victim), within_s=8)
        assert workers.process.poll() is None
        assert [pid for pid in left if lives(pid)], "the other queues went on"
    agent = world.agent(adapter_module="claude_cli")
    execution = executing.request_execution(world.task(agent=agent), actor=SYSTEM, now=timezone.now())
    until(lambda: Execution.objects.get(pk=execution.pk).state == "succeeded", within_s=8)


def test_a_database_that_was_away_is_found_again(workers: Workers) -> None:
    mission = world.mission()
    wait_until_running(mission, within_s=5)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert wait_until_running(world.mission(), within_s=8) < 5
    agent = world.agent()
    async_task("agents.jobs.check_agent", agent.pk, save=False)
    until(lambda: checked(agent), within_s=8)
    assert workers.process.poll() is None
