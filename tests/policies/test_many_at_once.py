"""Many at once, with real connections and commits: one effect, one approval, one use of a grant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.auth import actor_for
from accounts.models import User
from coordinator.lib.errors import Refusal
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.services import steering
from missions.services.reporting import Caller, Filing, file_report
from policies.models import Approval, PolicyRevision
from policies.services import escalating, waiving
from policies.services.waiving import Cover
from tests.factories import person
from tests.policies.rows import agent, approval_of, ask, mission, policy, revise, task
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(autouse=True)
def _unblocked(committed_db: str, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Runs every job in a thread of its own at the same moment; a refusal is an answer too."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return job()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def approving(approval: Approval, by: User) -> Callable[[], Any]:
    return lambda: escalating.approve(approval, person=by, comment="", actor=actor_for(by), now=timezone.now())


def held_move() -> tuple[Task, Approval]:
    policy(conditions={"action_type": "task_transition", "to": "failed"}, actions=[{"escalate": "Say why."}])
    home = mission()
    steering.move_mission(home, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    row = task(Mission.objects.get(pk=home.pk))
    caller = Caller(user=person(), agent=None, is_agent=False)
    filing = Filing(status=TaskStatus.FAILED)
    _, outcome = file_report(row, filing, caller=caller, expected=None, actor=SYSTEM, now=timezone.now())
    return row, approval_of(outcome)


def test_of_two_people_who_approve_at_once_one_does_and_the_move_is_made_once() -> None:
    row, held = held_move()
    answers = at_once(*(approving(held, person()) for _ in range(6)))
    assert [type(each) for each in answers].count(Approval) == 1
    assert [type(each) for each in answers].count(escalating.AlreadyDecided) == 5
    assert Entry.objects.of_task(row.pk).filter(kind="task.moved").count() == 1
    assert Entry.objects.filter(kind="approval.granted", subject_id=held.pk).count() == 1
    assert Task.objects.get(pk=row.pk).status == TaskStatus.FAILED


def test_approving_and_rejecting_at_once_leaves_one_word() -> None:
    _, held = held_move()
    by = person()
    rejecting = lambda: escalating.reject(held, person=by, comment="", actor=actor_for(by), now=timezone.now())  # noqa: E731
    answers = at_once(approving(held, person()), rejecting)
    assert sorted(type(each).__name__ for each in answers) == ["AlreadyDecided", "Approval"]


def test_a_report_and_an_approval_at_once_do_not_wait_for_each_other_for_ever() -> None:
    row, held = held_move()
    reporter = Caller(user=person(), agent=None, is_agent=False)

    def report() -> Any:
        filing = Filing(status=TaskStatus.FAILED)
        return file_report(row, filing, caller=reporter, expected=None, actor=SYSTEM, now=timezone.now())

    answers = at_once(approving(held, person()), report)
    assert isinstance(answers[0], Approval)
    assert Entry.objects.of_task(row.pk).filter(kind="task.moved").count() == 1


def test_twenty_who_ask_the_same_at_once_wait_for_one_approval_and_use_its_grant_once() -> None:
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "A person looks first."}])
    doer = agent()

    def asking() -> Any:
        return ask({"action_type": "deploy", "version": "1"}, agent=doer.ref)

    first = at_once(*[asking] * 20)
    assert {each.outcome for each in first} == {"escalate"}
    assert len({each.approval_id for each in first}) == 1
    approving(approval_of(first[0]), person())()
    second = at_once(*[asking] * 20)
    assert [str(each.outcome) for each in second].count("allow") == 1
    assert len({each.approval_id for each in second if each.outcome == "escalate"}) == 1


def test_twenty_who_ask_at_once_take_each_use_of_a_waiver_exactly_once() -> None:
    row, doer, asker, other = policy(), agent(), person(), person()
    ends = timezone.now() + timedelta(hours=1)
    told: dict[str, Any] = {"actor": actor_for(asker), "now": timezone.now()}
    waiver = waiving.request(
        row, Cover(agent=doer.ref), reason="Tonight.", expires_at=ends, uses=3, person=asker, **told
    )
    waiving.grant(waiver, person=other, actor=actor_for(other), now=timezone.now())
    answers = at_once(*[lambda: ask(agent=doer.ref)] * 20)
    assert [str(each.outcome) for each in answers].count("allow") == 3
    assert [str(each.outcome) for each in answers].count("block") == 17
    used = Entry.objects.filter(kind="waiver.used", subject_id=waiver.pk)
    assert sorted(each.data["uses_left"] for each in used) == [0, 1, 2]
    waiver.refresh_from_db()
    assert waiver.uses_left == 0


def test_two_who_revise_a_policy_at_once_make_two_revisions_and_one_bundle() -> None:
    row = policy()
    jobs = [lambda n=n: revise(row, description=f"number {n}") for n in range(6)]
    at_once(*jobs)
    kept = PolicyRevision.objects.filter(policy=row).values_list("n", flat=True)
    assert sorted(kept) == list(range(1, 8))
    assert ask().outcome == "block"
    assert ask().as_data()[0]["revision"] == 7
