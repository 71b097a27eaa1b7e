"""Executions from the request to the end: real processes, real commits, each end told once."""

from decimal import Decimal

import pytest
from django.utils import timezone

from agents.models import Agent, Usage
from missions import jobs
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Task
from missions.services import executing, steering
from missions.supervision import drain
from tests.factories import client_of, person
from tests.missions import world
from tests.running.agents_at_hand import FakeClaude, until
from tests.running.runs import Hanging, fresh, queued, task_for, told
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


@pytest.mark.parametrize("adapter", ["claude_code", "claude_cli"])
def test_a_run_ends_with_its_answer_on_the_task_and_its_cost_on_everyone_who_pays(
    adapter: str, claude: FakeClaude
) -> None:
    execution = queued(adapter=adapter, outputs={"kept": 1}, acceptance_criteria=["it is done"])
    assert jobs.run_execution(execution.pk) == "succeeded"
    execution = fresh(execution)
    assert (execution.state, execution.attempt, execution.failure) == ("succeeded", 1, "")
    assert execution.output.strip()
    assert "it is done" in claude.runs[0]["prompt"]
    assert execution.task.status == TaskStatus.COMPLETED
    assert execution.task.outputs == {"kept": 1, "result": "All done.", "session_id": "s-1"}
    cost = Decimal("0.005580")
    assert (execution.cost_usd, execution.task.cost_usd, execution.mission.cost_usd) == (cost, cost, cost)
    assert Agent.objects.get(pk=execution.agent_id).cost_usd == cost
    assert Usage.objects.get().usage_id == f"execution-{execution.pk}-1"
    assert told(execution) == ["execution.queued", "execution.started", "execution.ended succeeded"]


def test_a_second_message_for_the_same_execution_does_nothing(claude: FakeClaude) -> None:
    execution = queued()
    assert jobs.run_execution(execution.pk) == "succeeded"
    assert jobs.run_execution(execution.pk) is None
    assert len(claude.runs) == 1
    assert told(execution).count("execution.ended succeeded") == 1


def test_two_messages_at_the_same_time_make_one_run(hanging: Hanging, claude: FakeClaude) -> None:
    execution, _ = hanging
    assert jobs.run_execution(execution.pk) is None
    assert fresh(execution).attempt == 1
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())


def test_work_that_needs_review_waits_for_it(claude: FakeClaude) -> None:
    execution = queued(review_required=True)
    jobs.run_execution(execution.pk)
    assert fresh(execution).task.status == TaskStatus.PENDING_REVIEW


def test_the_output_is_seen_while_the_agent_works_and_a_cancelled_run_stops(hanging: Hanging) -> None:
    execution, future = hanging
    operator = client_of(person("operator"))
    address = f"/api/executions/{execution.pk}"
    until(lambda: "I read the task." in operator.get(address).json()["output"])
    assert operator.post(f"{address}/cancel").json()["cancel_requested"] is True
    assert until(future.result, within_s=5) == "cancelled"
    execution = fresh(execution)
    assert (execution.failure, execution.task.status) == ("cancelled", TaskStatus.PENDING)
    assert "I read the task." in execution.output
    assert operator.post(f"{address}/cancel").status_code == 422


def test_a_queued_run_is_cancelled_at_once(claude: FakeClaude) -> None:
    execution = queued()
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
    assert fresh(execution).state == "cancelled"
    assert jobs.run_execution(execution.pk) is None
    assert claude.runs == []


def test_a_run_that_takes_too_long_is_ended(claude: FakeClaude) -> None:
    execution = queued("hang", config={"timeout_s": 0.3})
    assert jobs.run_execution(execution.pk) == "failed"
    execution = fresh(execution)
    assert (execution.failure, execution.task.status) == ("timed_out", TaskStatus.FAILED)
    assert "timeout_s" in execution.failure_detail


def test_a_paused_mission_stops_its_runs(hanging: Hanging, claude: FakeClaude) -> None:
    execution, future = hanging
    other = executing.request_execution(
        world.task(execution.mission, agent=execution.agent), actor=SYSTEM, now=timezone.now()
    )
    steering.move_mission(execution.mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())
    executing.stop_unwanted(now=timezone.now())
    assert fresh(other).state == "cancelled"
    assert until(future.result, within_s=5) == "cancelled"
    assert executing.stop_unwanted(now=timezone.now()) == 0


def test_draining_workers_give_their_runs_back(hanging: Hanging) -> None:
    execution, future = hanging
    drain.ask()
    try:
        assert until(future.result, within_s=3) == "failed"
        assert jobs.run_execution(execution.pk) is None
    finally:
        drain.clear()
    execution = fresh(execution)
    assert (execution.failure, execution.task.status) == ("interrupted", TaskStatus.PENDING)


@pytest.mark.parametrize(
    ("objective", "failure", "after"),
    [
        ("fail-budget", "over_budget", TaskStatus.FAILED),
        ("fail-turns", "agent_error", TaskStatus.FAILED),
        ("fail-hook", "refused_by_policy", TaskStatus.BLOCKED),
        ("fail-limit", "rate_limited", TaskStatus.PENDING),
        ("fail-login", "not_logged_in", TaskStatus.PENDING),
        ("crash", "crashed", TaskStatus.PENDING),
    ],
)
def test_each_failure_leaves_the_task_where_somebody_can_go_on(
    objective: str, failure: str, after: TaskStatus, claude: FakeClaude
) -> None:
    execution = queued(objective)
    assert jobs.run_execution(execution.pk) == "failed"
    execution = fresh(execution)
    assert (execution.failure, execution.task.status) == (failure, after)
    assert execution.failure_detail.endswith(".")


def test_a_missing_program_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_COMMAND", "no-such-program")
    execution = queued()
    assert jobs.run_execution(execution.pk) == "failed"
    execution = fresh(execution)
    assert (execution.failure, execution.task.status) == ("not_installed", TaskStatus.PENDING)
    assert "Install" in execution.failure_detail


def test_a_spent_budget_starts_nothing(claude: FakeClaude) -> None:
    execution = queued(budget_usd=Decimal("0.50"))
    Task.objects.filter(pk=execution.task_id).update(cost_usd=Decimal("0.50"))
    assert jobs.run_execution(execution.pk) is None
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("failed", "over_budget", "pending")
    Task.objects.filter(pk=execution.task_id).update(cost_usd=0)
    assert claude.runs == []


def test_the_smallest_budget_left_is_what_the_agent_may_spend(claude: FakeClaude) -> None:
    mission = world.mission(budget_usd=Decimal("9.00"))
    agent = world.agent(adapter_module="claude_cli")
    task = world.task(mission, agent=agent, budget_usd=Decimal("2.50"))
    execution = executing.request_execution(task, actor=SYSTEM, now=timezone.now())
    jobs.run_execution(execution.pk)
    assert claude.runs[0]["argv"][-2:] == ["--max-budget-usd", "2.50"]


def test_a_policy_that_blocks_the_start_keeps_the_agent_out(claude: FakeClaude) -> None:
    world.policy({"action_type": "task_transition", "to": "in_progress"}, [{"block": "Not today."}])
    execution = queued()
    assert jobs.run_execution(execution.pk) is None
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("failed", "refused_by_policy", "pending")
    assert claude.runs == []


def test_a_policy_that_blocks_the_end_leaves_the_task_blocked_with_its_result(claude: FakeClaude) -> None:
    world.policy({"action_type": "task_transition", "to": "completed"}, [{"block": "Somebody must look."}])
    execution = queued()
    assert jobs.run_execution(execution.pk) == "succeeded"
    task = fresh(execution).task
    assert (task.status, task.outputs["result"]) == (TaskStatus.BLOCKED, "All done.")


def test_a_task_is_handed_over_and_its_runs_are_read_over_the_api(claude: FakeClaude) -> None:
    task, operator = task_for("claude_cli"), client_of(person("operator"))
    answer = operator.post(f"/api/tasks/{task.key}/execute")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert operator.post(f"/api/tasks/{task.pk}/execute").status_code == 422, "it is under way"
    jobs.run_execution(answer.json()["id"])
    [shown] = operator.get(f"/api/tasks/{task.key}/executions").json()["results"]
    assert (shown["state"], shown["cost_usd"]) == ("succeeded", "0.00558")
    assert operator.get(f"/api/executions/{shown['id']}").json() == shown
    assert operator.post(f"/api/tasks/{task.pk}/execute").status_code == 422, "it is completed"


def test_a_task_without_an_agent_or_an_adapter_is_not_run() -> None:
    operator = client_of(person("operator"))
    for task in (world.task(), world.task(agent=world.agent())):
        answer = operator.post(f"/api/tasks/{task.key}/execute")
        assert answer.status_code == 422
        assert "agent" in answer.json()["detail"].lower()
