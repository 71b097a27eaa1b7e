"""A run that failed is tried again by its policy, so often and no more, and its task stays in progress meanwhile."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents.adapters.base import MAY_BE_TRIED_AGAIN, MOST_ATTEMPTS, TRIED_AGAIN, Failure
from agents.costs import Use
from agents.models import Usage
from missions import retries
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Execution
from missions.services import beginning, executing, planning, running, steering, waking
from missions.services.executing import Wanted
from missions.supervision import executor
from tests.missions import world
from tests.running.runs import fresh, task_for, told
from tests.running.taken import ended, out, taken, tried
from traceability import ledger
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")

LATER = timedelta(minutes=10)


def test_an_attempt_that_crashed_is_followed_by_another_that_succeeds() -> None:
    execution, now = tried(), timezone.now()
    assert ended(taken(execution), "crashed", detail="It fell.", output=[out("half\n")]) == "queued"
    waiting = fresh(execution)
    assert (waiting.attempt, waiting.failure, waiting.ended_at) == (1, "crashed", None)
    assert waiting.run_after is not None
    assert timedelta(seconds=0.4) < waiting.run_after - now < timedelta(seconds=5)
    assert waiting.task.status == TaskStatus.IN_PROGRESS
    again = taken(execution, now + LATER)
    assert (again.attempt, again.fence, again.failure) == (2, 2, "")
    assert ended(again, output=[out("whole\n")]) == "succeeded"
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("succeeded", "", TaskStatus.COMPLETED)
    assert [line for line in execution.output.splitlines() if "Attempt" not in line] == ["half", "whole"]
    assert told(execution) == [
        "execution.queued",
        "execution.started",
        "execution.retried",
        "execution.started",
        "execution.ended succeeded",
    ]


def test_the_last_attempt_ends_the_run() -> None:
    execution, now = tried(2), timezone.now()
    assert ended(taken(execution), "rate_limited") == "queued"
    assert ended(taken(execution, now + LATER), "rate_limited") == "failed"
    execution = fresh(execution)
    assert (execution.attempt, execution.failure, execution.task.status) == (2, "rate_limited", TaskStatus.PENDING)


def test_a_run_that_asks_for_nothing_is_tried_once() -> None:
    execution = tried(1)
    assert ended(taken(execution), "crashed") == "failed"
    assert fresh(execution).task.status == TaskStatus.PENDING


@pytest.mark.parametrize("failure", sorted(set(Failure) - set(TRIED_AGAIN) - {Failure.CANCELLED}))
def test_a_failure_that_another_attempt_does_not_mend_ends_the_run(failure: Failure) -> None:
    execution = tried()
    assert ended(taken(execution), failure) == "failed"


def test_a_failure_that_the_request_names_is_tried_again_and_others_are_not() -> None:
    named = tried(retry_on=["timed_out"])
    assert ended(taken(named), "timed_out") == "queued"
    assert ended(taken(named, timezone.now() + LATER), "crashed") == "failed"


def test_nobody_begins_before_the_pause_is_over_and_the_janitor_asks_then() -> None:
    execution = tried()
    ended(taken(execution), "crashed")
    again_at = fresh(execution).run_after
    assert again_at is not None
    just_before = again_at - timedelta(milliseconds=1)
    assert beginning.begin(execution.pk, host="here", now=just_before) is None
    assert waking.wake_waiting(now=just_before) == 0
    assert waking.wake_waiting(now=again_at) == 1
    assert ended(taken(execution, again_at)) == "succeeded"


def test_a_run_that_kills_its_worker_each_time_ends_when_its_attempts_are_used_up() -> None:
    """The attempt is counted before anything runs, so that nobody has to live to count it."""
    execution, now = tried(3), timezone.now()
    for _ in range(3):
        taken(execution, now)
        now += running.QUIET_AFTER + timedelta(seconds=1)
        assert executor.bury(now=now) == 1
        now += LATER
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.attempt) == ("failed", "crashed", 3)
    assert beginning.begin(execution.pk, host="here", now=now) is None
    assert execution.task.status == TaskStatus.PENDING
    assert told(execution).count("execution.started") == 3


def test_a_worker_that_comes_back_from_an_attempt_that_was_given_up_changes_nothing() -> None:
    execution, now = tried(), timezone.now()
    lost = taken(execution, now)
    assert executor.bury(now=now + running.LEASE + timedelta(seconds=1)) == 1
    again = taken(execution, now + LATER)
    assert running.renew(lost, output=[out("late")], now=now + LATER) is False
    assert ended(lost, now=now + LATER, outputs={"from": "the past"}) is None
    assert ended(again, now=now + LATER, outputs={"from": "now"}) == "succeeded"
    assert ended(again, now=now + LATER, outputs={"from": "twice"}) is None
    execution = fresh(execution)
    assert execution.task.outputs == {"from": "now"}
    assert "late" not in execution.output


def test_each_attempt_is_paid_once_and_the_run_shows_what_all_of_them_cost() -> None:
    execution, now = tried(), timezone.now()
    use = Use(model="m", input_tokens=1000, cost_usd=Decimal("0.25"))
    first = taken(execution)
    assert ended(first, "crashed", use=use) == "queued"
    assert ended(first, "crashed", use=use) is None
    assert fresh(execution).cost_usd == Decimal("0.25")
    assert ended(taken(execution, now + LATER), use=use) == "succeeded"
    execution = fresh(execution)
    assert execution.cost_usd == execution.task.cost_usd == execution.mission.cost_usd == Decimal("0.50")
    assert set(Usage.objects.values_list("usage_id", flat=True)) == {f"execution-{execution.pk}-{n}" for n in (1, 2)}


def test_a_waiting_attempt_is_cancelled_at_once_and_gives_its_task_back() -> None:
    execution = tried()
    ended(taken(execution), "crashed")
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
    execution = fresh(execution)
    assert (execution.state, execution.task.status) == ("cancelled", TaskStatus.PENDING)


def test_a_run_that_was_asked_to_stop_is_not_tried_again() -> None:
    execution = tried()
    begun = taken(execution)
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
    assert ended(begun, "crashed") == "failed"


def test_a_paused_mission_ends_what_waits_for_another_attempt() -> None:
    waiting, begun = tried(), tried()
    ended(taken(waiting), "crashed")
    lost = taken(begun)
    for each in (waiting, begun):
        steering.move_mission(each.mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())
    assert executing.stop_unwanted(now=timezone.now()) == 2
    assert (fresh(waiting).state, fresh(waiting).task.status) == ("cancelled", TaskStatus.PENDING)
    assert ended(lost, "crashed") == "failed"


def test_an_attempt_whose_budget_is_spent_meanwhile_ends_the_run_and_tells_the_task() -> None:
    task = task_for(budget_usd=Decimal("0.30"))
    execution = executing.request_execution(task, Wanted(max_attempts=3), actor=SYSTEM, now=timezone.now())
    ended(taken(execution), "crashed", use=Use(model="m", input_tokens=1, cost_usd=Decimal("0.30")))
    assert beginning.begin(execution.pk, host="here", now=timezone.now() + LATER) is None
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("failed", "over_budget", TaskStatus.FAILED)


def test_an_attempt_whose_task_was_given_to_another_is_not_made() -> None:
    execution = tried()
    ended(taken(execution), "crashed")
    other = world.agent()
    planning.revise_task(execution.task, agent=other, expected=None, actor=SYSTEM, now=timezone.now())
    assert beginning.begin(execution.pk, host="here", now=timezone.now() + LATER) is None
    execution = fresh(execution)
    assert (execution.state, execution.task.agent) == ("cancelled", other)


@pytest.mark.parametrize(
    "path",
    [
        (TaskStatus.PENDING,),
        (TaskStatus.BLOCKED,),
        (TaskStatus.PENDING_REVIEW,),
        (TaskStatus.PENDING_REVIEW, TaskStatus.REJECTED),
        (TaskStatus.FAILED,),
        (TaskStatus.COMPLETED,),
    ],
    ids=lambda path: path[-1],
)
def test_a_task_that_somebody_moved_between_attempts_stays_there_and_is_not_run(path: tuple[TaskStatus, ...]) -> None:
    execution = tried()
    ended(taken(execution), "crashed")
    world.lead(execution.task, *path)
    assert beginning.begin(execution.pk, host="here", now=timezone.now() + LATER) is None
    execution = fresh(execution)
    assert (execution.state, execution.failure, execution.task.status) == ("cancelled", "cancelled", path[-1])
    assert f"was moved to {path[-1]} since" in execution.failure_detail


def test_a_task_that_somebody_took_away_and_gave_back_between_attempts_is_run() -> None:
    execution = tried()
    ended(taken(execution), "crashed")
    world.lead(execution.task, TaskStatus.BLOCKED, TaskStatus.IN_PROGRESS)
    assert ended(taken(execution, timezone.now() + LATER)) == "succeeded"


def test_the_database_takes_no_execution_back_without_an_entry_and_none_from_its_end() -> None:
    execution = tried()
    begun = taken(execution)
    with pytest.raises(IntegrityError, match="without an entry"), transaction.atomic():
        Execution.objects.filter(pk=begun.pk).update(state="queued")
    ended(begun)
    with pytest.raises(IntegrityError, match="cannot become"), ledger.writing():
        Execution.objects.filter(pk=begun.pk).update(state="queued")


@given(attempt=st.integers(1, MOST_ATTEMPTS), chance=st.floats(0, 1))
def test_the_pause_doubles_with_each_attempt_within_bounds(attempt: int, chance: float) -> None:
    now = datetime(2026, 11, 25, tzinfo=timezone.get_default_timezone())
    pause_s = (retries.next_at(now, attempt=attempt, chance=chance) - now).total_seconds()
    longest = min(0.5 * 2**attempt, retries.LONGEST_PAUSE_S)
    assert longest / 2 - 0.001 <= pause_s <= longest + 0.001


def test_only_failures_that_a_person_need_not_mend_may_be_tried_again() -> None:
    program = {"not_installed", "not_logged_in", "misconfigured"}
    assert set(Failure) - set(MAY_BE_TRIED_AGAIN) == {*program, "over_budget", "refused_by_policy", "cancelled"}


@pytest.mark.parametrize(("failure", "kept"), [("crashed", "resp_1"), ("unreachable", "resp_1"), ("interrupted", "")])
def test_what_an_attempt_left_at_a_provider_is_handed_to_the_next(failure: str, kept: str) -> None:
    execution = tried()
    begun = taken(execution)
    running.note_place(begun, group=None, remote_id="resp_1")
    assert ended(begun, failure) == "queued"
    again = taken(execution, timezone.now() + LATER)
    assert again.remote_id == kept
    ended(again)
