"""Who asks for further attempts, and real programs that need them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.utils import timezone

from agents.adapters.base import MOST_ATTEMPTS
from missions import jobs
from missions.lifecycle import TaskStatus
from missions.models import Execution
from missions.services import executing
from missions.supervision import drain
from tests.factories import client_of, person
from tests.running.agents_at_hand import FakeClaude, until
from tests.running.runs import fresh, run_and_leave, task_for
from tests.running.taken import tried
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


def test_the_request_or_else_the_agents_configuration_says_how_often(claude: FakeClaude) -> None:
    task = task_for("claude_code", {"max_attempts": 2, "retry_on": ["timed_out"]})
    operator = client_of(person("operator"))
    shown = operator.post(f"/api/tasks/{task.key}/execute").json()
    assert (shown["max_attempts"], shown["retry_on"], shown["attempt"]) == (2, ["timed_out"], 0)
    operator.post(f"/api/executions/{shown['id']}/cancel")
    body = {"max_attempts": 4, "retry_on": ["crashed"]}
    shown = operator.post(f"/api/tasks/{task.key}/execute", body, format="json").json()
    assert (shown["max_attempts"], shown["retry_on"]) == (4, ["crashed"])
    assert jobs.run_execution(shown["id"]) == "succeeded"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_attempts": MOST_ATTEMPTS + 1}, "max_attempts"),
        ({"max_attempts": "2"}, "max_attempts"),
        ({"retry_on": ["over_budget"]}, "retry_on.0"),
        ({"retry_on": "crashed"}, "retry_on"),
        ({"key": ""}, "key"),
        ({"key": "a b"}, "key"),
        ({"keys": "x"}, "keys"),
    ],
)
def test_a_body_that_cannot_be_is_refused(body: dict[str, Any], field: str) -> None:
    answer = client_of(person("operator")).post(f"/api/tasks/{task_for().key}/execute", body, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


def test_a_crashing_program_is_run_so_often_as_the_policy_says(claude: FakeClaude) -> None:
    execution = tried(2, objective="crash")
    assert jobs.run_execution(execution.pk) == "queued"
    Execution.objects.filter(pk=execution.pk).update(run_after=timezone.now())
    assert jobs.run_execution(execution.pk) == "failed"
    assert [run["environment"]["COORDINATOR_EXECUTION_KEY"] for run in claude.runs] == [execution.key] * 2
    assert len({run["environment"]["COORDINATOR_EXECUTION"] for run in claude.runs}) == 2
    assert fresh(execution).output.count("cannot go on") == 2


def test_workers_that_stop_leave_the_next_attempt_to_others(claude: FakeClaude) -> None:
    execution = tried(objective="hang")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run_and_leave, execution.pk)
        until(lambda: claude.runs)
        drain.ask()
        try:
            assert until(future.result, within_s=5) == "queued"
        finally:
            drain.clear()
    waiting = fresh(execution)
    assert (waiting.state, waiting.failure, waiting.task.status) == ("queued", "interrupted", TaskStatus.IN_PROGRESS)
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
