"""The PolicyChecker: what runs is held against the policies; it is told once, and nothing is stopped or held."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from missions.models import Advisory, Execution
from missions.services import beginning, executing, running
from missions.supervision import checker
from policies.models import Approval, Decision
from policies.services import revising
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
LONG = {"all": [{"action_type": "execution"}, {"running_minutes": {"gt": 30}}]}


def run(**fields: Any) -> Execution:
    """An execution that a worker began just now."""
    task = world.task(agent=world.agent(adapter_module="claude_cli"), **fields)
    execution = executing.request_execution(task, actor=SYSTEM, now=timezone.now())
    begun = beginning.begin(execution.pk, host="here", now=timezone.now())
    assert begun is not None
    return begun


def end(execution: Execution) -> None:
    with ledger.writing():
        running.end(running.locked(execution.pk), running.Ended(state=Execution.State.SUCCEEDED), now=timezone.now())


def check(minutes: int) -> tuple[int, int]:
    return checker.check(now=timezone.now() + timedelta(minutes=minutes))


@pytest.mark.parametrize(("outcome", "severity"), [("warn", "warning"), ("escalate", "critical"), ("block", "warning")])
def test_a_policy_that_objects_to_a_run_is_told_once_and_stops_nothing(outcome: str, severity: str) -> None:
    policy = world.policy(LONG, [{outcome: "A run ends within half an hour."}])
    execution = run()
    assert check(30) == (0, 0)
    assert check(31) == (1, 0)
    assert check(40) == (0, 0)
    told = Advisory.objects.get()
    assert (told.kind, told.severity, told.task) == ("policy", severity, execution.task)
    assert told.message.endswith("A run ends within half an hour.")
    assert (told.evidence["policy_id"], told.evidence["revision"], told.evidence["outcome"]) == (policy.key, 1, outcome)
    assert told.evidence["facts"]["running_minutes"] == 31
    assert not Decision.objects.exists()
    assert not Approval.objects.exists()
    execution.refresh_from_db()
    assert (execution.state, execution.cancel_requested) == ("running", False)
    end(execution)
    assert check(41) == (0, 1)
    assert Entry.objects.of_kind("advisory").count() == 2


def test_advice_of_a_policy_that_was_changed_is_withdrawn() -> None:
    policy = world.policy(LONG, [{"warn": "Too long."}])
    run()
    assert check(31) == (1, 0)
    revising.revise(policy, expected=None, actor=SYSTEM, now=timezone.now(), status="disabled")
    assert check(31) == (0, 1)


def test_a_policy_in_audit_and_one_of_other_actions_say_nothing_to_a_run() -> None:
    world.policy(LONG, [{"block": "Never."}], mode="audit")
    world.policy({"match_all": True}, [{"warn": "Everything."}])
    world.policy({"action_type": "execution"}, [{"warn": "Other adapters."}], scope={"agent_type": ["openai"]})
    run()
    assert check(31) == (0, 0)


def test_the_check_asks_the_same_few_questions_whatever_runs() -> None:
    world.policy(LONG, [{"warn": "Too long."}])

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert check(0) == (0, 0)
        return len([each for each in seen if "SAVEPOINT" not in each["sql"]])

    run()
    check(0)
    before = statements()
    for _ in range(4):
        run()
    assert statements() == before == 3
