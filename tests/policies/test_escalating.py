"""Held actions: bound to one exact action, decided once by somebody else, and done in the same transaction."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.auth import actor_for
from accounts.models import User
from coordinator.lib.errors import NotAllowed
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Task
from missions.releases import Overtaken
from missions.services import moving, steering
from missions.services.reporting import Caller, Filing, file_report
from missions.services.verdicts import BlockedByPolicy
from policies.models import Approval, Decision
from policies.services import escalating
from tests.factories import person, service
from tests.policies.rows import agent, approval_of, ask, mission, policy, revise, task
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
DEPLOY = {"action_type": "deploy", "environment": "production", "version": "1.2"}
ASKS: dict[str, Any] = {"conditions": {"action_type": "deploy"}, "actions": [{"escalate": "A person looks first."}]}
MOVES: dict[str, Any] = {
    "conditions": {"action_type": "task_transition", "to": "failed"},
    "actions": [{"escalate": "Say why it failed."}],
}


def decide(word: Any, approval: Approval, by: User | None = None, *, now: Any = None, comment: str = "") -> Approval:
    by = by or person()
    decided: Approval = word(approval, person=by, comment=comment, actor=actor_for(by), now=now or timezone.now())
    return decided


def approve(approval: Approval, by: User | None = None, **also: Any) -> Approval:
    return decide(escalating.approve, approval, by, **also)


def reject(approval: Approval, by: User | None = None, **also: Any) -> Approval:
    return decide(escalating.reject, approval, by, **also)


def report(row: Task, status: TaskStatus, user: User | None = None) -> Any:
    user = user or person()
    caller = Caller(user=user, agent=None, is_agent=False)
    filing = Filing(status=status)
    return file_report(row, filing, caller=caller, expected=None, actor=actor_for(user), now=timezone.now())[1]


def kinds_of(approval: Approval) -> list[str]:
    rows = Entry.objects.filter(subject_type="approval", subject_id=approval.pk)
    return list(rows.order_by("pk").values_list("kind", flat=True))


def test_an_escalated_action_opens_an_approval_with_requester_subject_reason_and_deadline(settings: Any) -> None:
    settings.APPROVAL_TTL_S = 3600
    policy(**ASKS)
    now, asker, doer, work = timezone.now(), person(), agent(), task()
    verdict = ask(DEPLOY, actor=actor_for(asker), now=now, agent=doer.ref, task=work.ref, mission=work.mission.ref)
    assert verdict.outcome == "escalate"
    held = approval_of(verdict)
    assert (held.state, held.requester, held.requester_name) == ("pending", asker, asker.email)
    assert held.reason == "A person looks first."
    assert held.expires_at == now + timedelta(hours=1)
    assert held.subject is not None
    assert (held.subject.type, held.subject.key) == ("task", work.key)
    assert held.summary == f"deploy: production (task {work.key})"
    assert kinds_of(held) == ["approval.requested"]
    assert Decision.objects.get().approval == held


def test_the_same_action_asked_again_waits_for_the_same_approval() -> None:
    policy(**ASKS)
    doer = agent()
    first = ask(DEPLOY, agent=doer.ref)
    assert ask(DEPLOY, agent=doer.ref).approval_id == first.approval_id
    assert ask({**DEPLOY, "version": "1.3"}, agent=doer.ref).approval_id != first.approval_id
    assert ask(DEPLOY, agent=agent().ref).approval_id != first.approval_id


def test_an_approval_is_bound_to_the_revisions_that_asked() -> None:
    row = policy(**ASKS)
    first = approval_of(ask(DEPLOY))
    approve(first)
    revise(row, description="reworded")
    verdict = ask(DEPLOY)
    assert (verdict.outcome, verdict.approval_id != first.pk) == ("escalate", True)


def test_an_approved_action_is_let_through_once() -> None:
    policy(**ASKS)
    policy(conditions={"action_type": "deploy"}, actions=[{"warn": "It is late."}])
    held = approve(approval_of(ask(DEPLOY)), comment="go")
    verdict = ask(DEPLOY)
    assert (verdict.outcome, verdict.approval_id) == ("warn", held.pk)
    assert [each["outcome"] for each in verdict.as_data()] == ["allow", "warn"]
    assert kinds_of(held) == ["approval.requested", "approval.granted", "approval.used"]
    again = ask(DEPLOY)
    assert again.outcome == "escalate"
    assert again.approval_id != held.pk


def test_a_block_beside_a_grant_blocks_and_does_not_use_it_up() -> None:
    policy(**ASKS)
    held = approve(approval_of(ask(DEPLOY)))
    stop = policy(conditions={"action_type": "deploy"}, actions=[{"block": "Freeze."}])
    assert ask(DEPLOY).outcome == "block"
    assert Approval.objects.get(pk=held.pk).consumed_at is None
    revise(stop, status="disabled")
    assert ask(DEPLOY).outcome == "allow"


def test_a_rejected_action_is_blocked_until_its_deadline_and_may_be_asked_anew_after_it() -> None:
    policy(**ASKS)
    by, now = person(), timezone.now()
    held = reject(approval_of(ask(DEPLOY, now=now)), by, comment="not today")
    verdict = ask(DEPLOY, now=now)
    assert verdict.outcome == "block"
    assert f"rejected by {by.email}: not today" in verdict.as_data()[0]["message"]
    later = held.expires_at + timedelta(seconds=1)
    assert ask(DEPLOY, now=later).outcome == "escalate"


def test_nobody_decides_what_they_asked_for() -> None:
    policy(**ASKS)
    asker = person("admin")
    held = approval_of(ask(DEPLOY, actor=actor_for(asker)))
    for word in (escalating.approve, escalating.reject):
        with pytest.raises(NotAllowed):
            decide(word, held, asker)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=held.pk).update(state="approved", decided_at=timezone.now(), decided_by=asker)
    assert approve(held).state == "approved"


def test_a_service_account_decides_nothing_whatever_its_role() -> None:
    policy(**ASKS)
    held = approval_of(ask(DEPLOY))
    for role in ("agent", "operator"):
        with pytest.raises(NotAllowed):
            approve(held, service(role))


def test_what_was_decided_stays_decided() -> None:
    policy(**ASKS)
    held = approval_of(ask(DEPLOY))
    first = person()
    reject(held, first)
    with pytest.raises(escalating.AlreadyDecided) as refused:
        approve(held)
    assert first.email in refused.value.detail
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute("UPDATE policies_approval SET state = 'approved' WHERE id = %s", [held.pk])


def held_move() -> tuple[Task, Approval]:
    policy(**MOVES)
    row = task(active_mission())
    outcome = report(row, TaskStatus.FAILED)
    assert (outcome.moved, outcome.approval is not None) == (False, True)
    return row, approval_of(outcome)


def active_mission() -> Mission:
    row = mission()
    steering.move_mission(row, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    return Mission.objects.get(pk=row.pk)


def test_a_held_move_is_made_by_the_approval_in_the_name_of_who_approved() -> None:
    row, held = held_move()
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING
    by = person()
    done = approve(held, by)
    assert Task.objects.get(pk=row.pk).status == TaskStatus.FAILED
    assert done.consumed_at is not None
    moved = Entry.objects.of_task(row.pk).get(kind="task.moved")
    assert (moved.actor_name, moved.data["after"]) == (by.email, "failed")
    assert kinds_of(held) == ["approval.requested", "approval.granted"]


def test_a_held_move_reported_again_waits_for_the_same_approval_though_its_cost_has_changed() -> None:
    row, held = held_move()
    Task.objects.filter(pk=row.pk).update(percent=50)
    assert report(row, TaskStatus.FAILED).approval == held.pk


def test_a_rejected_move_is_not_made_and_blocks_the_same_attempt() -> None:
    row, held = held_move()
    reject(held)
    with pytest.raises(BlockedByPolicy):
        report(row, TaskStatus.FAILED)
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def test_a_move_that_was_overtaken_is_not_made_and_that_is_on_record() -> None:
    row, held = held_move()
    report(row, TaskStatus.IN_PROGRESS)
    with pytest.raises(Overtaken):
        approve(held)
    assert Task.objects.get(pk=row.pk).status == TaskStatus.IN_PROGRESS
    assert Approval.objects.get(pk=held.pk).state == "overtaken"
    assert kinds_of(held) == ["approval.requested", "approval.overtaken"]
    with pytest.raises(escalating.AlreadyDecided):
        approve(held)


def test_a_held_move_of_a_mission_is_made_by_the_approval() -> None:
    policy(conditions={"action_type": "mission_transition", "to": "completed"}, actions=[{"escalate": "Really?"}])
    row = active_mission()
    number = steering.move_mission(row, MissionStatus.COMPLETED, expected=None, actor=SYSTEM, now=timezone.now())
    assert Mission.objects.get(pk=row.pk).status == MissionStatus.ACTIVE
    assert number is not None
    approve(Approval.objects.get(pk=number))
    assert Mission.objects.get(pk=row.pk).status == MissionStatus.COMPLETED


def test_asking_about_a_move_is_no_move() -> None:
    """An agent that only asks may say anything of a task; an approval of the question moves nothing."""
    policy(**MOVES)
    row = task(active_mission())
    action = {"action_type": "task_transition", "from": "pending", "to": "failed"}
    approve(approval_of(ask(action, task=row.ref, mission=row.mission.ref)))
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def test_a_refused_release_takes_back_what_it_had_told(settings: Any) -> None:
    settings.APPROVAL_RELEASES = {"task_transition": "tests.policies.test_escalating.release_half"}
    row, held = held_move()
    with pytest.raises(Overtaken):
        approve(held)
    assert not Entry.objects.of_task(row.pk).filter(kind="task.moved").exists()
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def release_half(held: Approval, *, person: Any, actor: Any, now: datetime) -> None:
    """A release that finds only after its change that it does not fit."""
    with ledger.writing():
        moving.move(moving.locked(Task(pk=held.task_id)), TaskStatus.FAILED, actor=actor, now=now)
        raise Overtaken("It no longer fits.")
