"""Decisions: few statements, everything on record, nothing secret."""

from hashlib import sha256
from typing import Any

import pytest
from django.utils import timezone

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Task
from missions.services import steering
from missions.services.reporting import Caller, Filing, file_report
from missions.services.verdicts import BlockedByPolicy
from policies.models import Approval, Decision
from policies.services import deciding
from policies.services.deciding import Question
from policies.subjects import Subjects
from tests.factories import person
from tests.policies.rows import FORCE_PUSH, agent, approval_of, ask, mission, policy, task
from traceability import ledger
from traceability.events import SYSTEM, Actor
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def decide(action: Any = None, **also: Any) -> deciding.Verdict:
    refs = {"mission": None, "task": None, "agent": None, **also}
    return deciding.decide(point="agent_action", action=action or FORCE_PUSH, actor=SYSTEM, now=timezone.now(), **refs)


def report(row: Task, status: TaskStatus) -> Any:
    caller = Caller(user=person(), agent=None, is_agent=False)
    return file_report(row, Filing(status=status), caller=caller, expected=None, actor=SYSTEM, now=timezone.now())


def test_without_policies_a_decision_costs_one_statement_and_leaves_no_trace(django_assert_num_queries: Any) -> None:
    with ledger.writing(), django_assert_num_queries(1):
        verdict = decide()
    assert (verdict.outcome, verdict.as_data(), verdict.approval_id) == ("allow", [], None)
    assert not Decision.objects.exists()


def test_with_policies_that_do_not_match_it_costs_one_statement_too(django_assert_num_queries: Any) -> None:
    policy()
    decide({"action_type": "shell"})
    with ledger.writing(), django_assert_num_queries(1):
        assert decide({"action_type": "git_push", "force": False}).outcome == "allow"


def test_a_match_costs_two_more_and_a_held_action_three_more_than_that(django_assert_num_queries: Any) -> None:
    policy(actions=[{"warn": "careful"}])
    policy(conditions={"action_type": "deploy"}, actions=[{"escalate": "ask"}])
    with ledger.writing():
        decide({"action_type": "shell"})
        with django_assert_num_queries(3):
            assert decide().outcome == "warn"
        with django_assert_num_queries(6):
            assert decide({"action_type": "deploy"}).outcome == "escalate"
        with django_assert_num_queries(5):
            assert decide({"action_type": "deploy"}).outcome == "escalate"


def test_a_decision_keeps_everything_that_it_was_made_from() -> None:
    row = policy()
    doer, work = agent(), task()
    verdict = ask(mission=work.mission.ref, task=work.ref, agent=doer.ref, capabilities=("git",))
    assert verdict.decision_id is not None
    kept = Decision.objects.get(pk=verdict.decision_id)
    assert (kept.outcome, kept.point, kept.action_type) == ("block", "agent_action", "git_push")
    assert (kept.mission_key, kept.task_id, kept.agent_key) == (work.mission.key, work.pk, doer.key)
    assert kept.asked["action"] == FORCE_PUSH
    assert kept.asked["subjects"]["capabilities"] == ["git"]
    assert kept.input_hash == sha256(kept.input.encode()).hexdigest()
    assert kept.bundle_hash == verdict.bundle_hash != ""
    assert kept.policies == [row.pk]
    assert kept.matched[0]["policy_id"] == row.key
    assert list(Decision.objects.by_policy(row.pk)) == [kept]


def test_a_decision_is_told_in_the_ledger_of_its_mission() -> None:
    policy()
    work = task()
    verdict = ask(mission=work.mission.ref, task=work.ref)
    told = Entry.objects.of_mission(work.mission_id).filter(kind="decision.made").get()
    assert told.data["decision"] == verdict.decision_id
    assert told.data["outcome"] == "block"
    assert told.data["input_hash"] == Decision.objects.get().input_hash


def test_every_answer_to_a_question_is_kept_also_when_nothing_matched() -> None:
    assert ask({"action_type": "shell", "command": "ls"}).decision_id
    assert Decision.objects.get().outcome == "allow"


def test_no_secret_is_kept_but_counts_of_tokens_are() -> None:
    policy(conditions={"action_type": "http_request"}, actions=[{"escalate": "ask"}])
    action = {
        "action_type": "http_request",
        "url": "https://example.org",
        "headers": {"Authorization": "Bearer hidden-1", "X-Api-Key": ["hidden-2"]},
        "custom": {"password": "hidden-3", "tokens": 900},
    }
    approval = approval_of(ask(action))
    kept = Decision.objects.get()
    assert "hidden" not in kept.input + str(kept.matched) + str(approval.action)
    assert "hidden" not in "".join(Entry.objects.values_list("canonical", flat=True))
    assert kept.asked["action"]["custom"]["tokens"] == 900


def test_a_blocked_move_of_a_task_is_refused_and_stays_on_record() -> None:
    policy(
        conditions={"action_type": "task_transition", "to": "in_progress", "mission.status": "active"},
        actions=[{"block": "Not on a Friday."}],
    )
    row = task(active_mission())
    with pytest.raises(BlockedByPolicy) as refused:
        report(row, TaskStatus.IN_PROGRESS)
    assert "Not on a Friday." in refused.value.detail
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING
    decision = Decision.objects.get()
    assert (decision.point, decision.outcome, decision.task_key) == ("task_transition", "block", row.key)
    kinds = set(Entry.objects.of_task(row.pk).values_list("kind", flat=True))
    assert {"decision.made", "task.move_refused"} <= kinds


def test_an_audit_policy_records_and_lets_the_move_through() -> None:
    policy(conditions={"action_type": "task_transition"}, actions=[{"block": "no"}], mode="audit")
    row = task(active_mission())
    _, outcome = report(row, TaskStatus.IN_PROGRESS)
    assert outcome.moved
    assert Decision.objects.get().matched[0]["would_have"] == "block"


def test_a_policy_of_a_capability_takes_in_tasks_that_require_it() -> None:
    policy(
        conditions={"action_type": "task_transition"},
        actions=[{"block": "no"}],
        scope={"capability": ["deploy"]},
    )
    home = active_mission()
    _, outcome = report(task(home), TaskStatus.IN_PROGRESS)
    assert outcome.moved
    with pytest.raises(BlockedByPolicy):
        report(task(home, required_capabilities=["deploy"]), TaskStatus.IN_PROGRESS)


def test_a_blocked_move_of_a_mission_is_refused_and_stays_on_record() -> None:
    policy(conditions={"action_type": "mission_transition", "to": "active"}, actions=[{"block": "Wait."}])
    row = mission()
    with pytest.raises(BlockedByPolicy):
        steering.move_mission(row, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    assert Decision.objects.get().mission_key == row.key


def test_several_questions_are_answered_by_one_bundle_in_order(django_assert_max_num_queries: Any) -> None:
    policy()
    asker = Actor("person", person().pk, "ada@example.org")
    questions = [Question(action={**FORCE_PUSH, "commits": number}, subjects=Subjects()) for number in range(10)]
    with django_assert_max_num_queries(16):
        found = deciding.evaluate(questions, actor=asker, now=timezone.now())
    assert [each.outcome for each in found] == ["block"] * 10
    assert not Approval.objects.exists()


def active_mission() -> Any:
    row = mission()
    steering.move_mission(row, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    row.refresh_from_db()
    return row
