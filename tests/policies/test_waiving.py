"""Waivers: a policy that matches does not bind, for what another person granted, so often and so long."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import InternalError
from django.utils import timezone

from accounts.auth import actor_for
from accounts.models import User
from coordinator.lib.errors import Invalid, NotAllowed, Stale
from missions.services import erasing_copies
from policies import backtest
from policies.models import Approval, Decision, Policy, Waiver
from policies.services import waiving
from policies.services.waiving import Cover, WaiverSettled, WaiverTooLate
from tests.factories import person, service
from tests.policies.rows import FORCE_PUSH, agent, ask, mission, policy
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def requested(of: Policy, cover: Cover, *, by: User | None = None, **fields: Any) -> Waiver:
    who, now = by or person(), timezone.now()
    given: dict[str, Any] = {"reason": "The old branch is broken.", "expires_at": now + timedelta(days=1), **fields}
    return waiving.request(of, cover, person=who, actor=actor_for(who), now=now, **given)


def granted(of: Policy, cover: Cover, **fields: Any) -> Waiver:
    return grant(requested(of, cover, **fields))


def grant(
    waiver: Waiver, by: User | None = None, *, now: datetime | None = None, expected: int | None = None
) -> Waiver:
    who = by or person()
    return waiving.grant(waiver, person=who, actor=actor_for(who), now=now or timezone.now(), expected=expected)


def revoke(waiver: Waiver) -> Waiver:
    who = person()
    return waiving.revoke(waiver, person=who, actor=actor_for(who), now=timezone.now())


def left(waiver: Waiver) -> int:
    return Waiver.objects.get(pk=waiver.pk).uses_left


def test_a_waived_match_is_on_record_does_not_bind_and_takes_one_use() -> None:
    row, doer = policy(), agent()
    waiver = granted(row, Cover(agent=doer.ref), uses=2)
    verdict = ask(agent=doer.ref)
    said = verdict.as_data()[0]
    assert (verdict.outcome, said["outcome"], said["would_have"], said["waiver"]) == (
        "allow", "allow", "block", waiver.pk,
    )  # fmt: skip
    decision = Decision.objects.get(pk=verdict.decision_id or 0)
    assert (decision.outcome, decision.matched[0]["waiver"], decision.policies) == ("allow", waiver.pk, [row.pk])
    assert (left(waiver), ask(agent=doer.ref).outcome, left(waiver)) == (1, "allow", 0)
    assert ask(agent=doer.ref).outcome == "block"


def test_only_what_it_names_is_waived() -> None:
    row, doer, home = policy(), agent(), mission()
    granted(row, Cover(agent=doer.ref, mission=home.ref), uses=9)
    assert ask().outcome == "block"
    assert ask(agent=doer.ref).outcome == "block"
    assert ask(agent=agent().ref, mission=home.ref).outcome == "block"
    assert ask(agent=doer.ref, mission=home.ref).outcome == "allow"


def test_a_waiver_for_one_exact_action_lets_no_other_through() -> None:
    row, doer = policy(), agent()
    asked = {**FORCE_PUSH, "branch": "main", "command": "git push --force https://ada:pw@example.org"}
    decision = Decision.objects.get(pk=ask(asked, agent=doer.ref).decision_id or 0)
    granted(row, Cover(digest=waiving.digest_of(backtest.facts_of(decision))), uses=9)
    assert ask({**asked, "branch": "other"}, agent=doer.ref).outcome == "block"
    assert ask(asked, agent=agent().ref).outcome == "block"
    assert ask(asked, agent=doer.ref).outcome == "allow"


def test_a_waiver_weakens_its_own_policy_alone() -> None:
    doer = agent()
    granted(policy(), Cover(agent=doer.ref))
    other = policy(actions=[{"warn": "careful"}])
    verdict = ask(agent=doer.ref)
    assert (verdict.outcome, [each["outcome"] for each in verdict.as_data()]) == ("warn", ["allow", "warn"])
    assert verdict.as_data()[1]["policy_id"] == other.key


def test_a_waived_escalation_asks_nobody() -> None:
    doer = agent()
    granted(policy(actions=[{"escalate": "A person looks."}]), Cover(agent=doer.ref))
    verdict = ask(agent=doer.ref)
    assert (verdict.outcome, verdict.approval_id, Approval.objects.count()) == ("allow", None, 0)


def test_a_policy_in_audit_mode_takes_no_use() -> None:
    doer = agent()
    waiver = granted(policy(mode="audit"), Cover(agent=doer.ref))
    ask(agent=doer.ref)
    assert left(waiver) == 1


def test_it_ends_at_its_very_moment() -> None:
    doer, now = agent(), timezone.now()
    ends = now + timedelta(hours=1)
    granted(policy(), Cover(agent=doer.ref), expires_at=ends, uses=5)
    assert ask(agent=doer.ref, now=ends - timedelta(microseconds=1)).outcome == "allow"
    assert ask(agent=doer.ref, now=ends).outcome == "block"


def test_before_its_grant_and_after_its_revocation_it_changes_nothing() -> None:
    doer = agent()
    waiver = requested(policy(), Cover(agent=doer.ref), uses=5)
    assert ask(agent=doer.ref).outcome == "block"
    grant(waiver)
    assert ask(agent=doer.ref).outcome == "allow"
    revoke(waiver)
    assert ask(agent=doer.ref).outcome == "block"


def test_neither_who_asked_nor_an_agent_grants_it() -> None:
    asker, robot = person(), service()
    waiver = requested(policy(), Cover(agent=agent().ref), by=asker)
    for nobody in (asker, robot):
        with pytest.raises(NotAllowed):
            grant(waiver, nobody)
    assert Waiver.objects.get(pk=waiver.pk).state == "requested"


def test_it_is_granted_once_in_time_and_as_it_was_read() -> None:
    waiver = requested(policy(), Cover(agent=agent().ref))
    with pytest.raises(WaiverTooLate):
        grant(waiver, now=waiver.expires_at)
    with pytest.raises(Stale):
        grant(waiver, expected=7)
    assert grant(waiver, expected=1).version == 2
    with pytest.raises(WaiverSettled):
        grant(waiver)
    assert revoke(waiver).version == 3
    with pytest.raises(WaiverSettled):
        revoke(waiver)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cover": Cover()}, "agent"),
        ({"reason": " "}, "reason"),
        ({"uses": 0}, "uses"),
        ({"uses": 1001}, "uses"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expires_at"),
        ({"expires_at": timezone.now() + timedelta(days=31)}, "expires_at"),
    ],
)
def test_a_waiver_has_a_reason_an_end_some_uses_and_a_subject(fields: dict[str, Any], field: str) -> None:
    cover = fields.pop("cover", None) or Cover(agent=agent().ref)
    with pytest.raises(Invalid) as refused:
        requested(policy(), cover, **fields)
    assert set(refused.value.errors) == {field}


def test_every_step_is_told_of_the_organisation() -> None:
    row, doer, home = policy(), agent(), mission()
    waiver = granted(row, Cover(agent=doer.ref), uses=2)
    ask(agent=doer.ref, mission=home.ref)
    revoke(waiver)
    told = list(Entry.objects.filter(subject_type="waiver", subject_id=waiver.pk).order_by("pk"))
    assert [each.kind for each in told] == ["waiver.requested", "waiver.granted", "waiver.used", "waiver.revoked"]
    assert {each.stream for each in told} == {"org"}
    assert told[0].data["covers"] == {"agent": doer.key}
    assert (told[2].data["uses_left"], told[2].data["would_have"]) == (1, "block")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE policies_waiver SET uses_left = uses_left + 1, uses = uses + 1",
        "UPDATE policies_waiver SET uses_left = uses_left - 2",
        "UPDATE policies_waiver SET uses_left = uses_left - 1",
        "UPDATE policies_waiver SET expires_at = expires_at + interval '1 day'",
        "UPDATE policies_waiver SET agent_id = 1",
        "UPDATE policies_waiver SET reason = 'another'",
        "UPDATE policies_waiver SET reason = '[erased]'",
        "UPDATE policies_waiver SET state = 'requested', grantor_id = NULL, granted_at = NULL",
        "UPDATE policies_waiver SET state = 'revoked', revoked_at = now()",
        "UPDATE policies_waiver SET grantor_id = requester_id",
        "DELETE FROM policies_waiver",
        "TRUNCATE policies_waiver",
        "INSERT INTO policies_waiver (policy_id, requester_id, requester_name, reason, agent_id, state, created_at,"
        " expires_at, uses, uses_left, grantor_id, granted_at, mission_key, task_key, agent_key, digest)"
        " SELECT policy_id, requester_id, requester_name, reason, agent_id, state, created_at, expires_at, uses,"
        " uses_left, grantor_id, granted_at, mission_key, task_key, agent_key, digest FROM policies_waiver",
    ],
)
def test_the_database_refuses_a_waiver_that_is_made_or_changed_untold(statement: str) -> None:
    granted(policy(), Cover(agent=agent().ref), uses=5)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            cursor.execute(statement)


def test_the_database_lets_no_agent_grant() -> None:
    waiver, robot = requested(policy(), Cover(agent=agent().ref)), service()
    with pytest.raises(IntegrityError, match="no person"), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(state="granted", grantor=robot, granted_at=timezone.now())


def test_its_reason_is_among_what_may_be_erased() -> None:
    assert erasing_copies.TOLD[Waiver] == ("reason",)


def test_without_a_policy_that_binds_no_waiver_is_looked_for(django_assert_num_queries: Any) -> None:
    policy()
    ask({"action_type": "deploy"})
    with django_assert_num_queries(5):
        ask({"action_type": "deploy"})
