"""Deadlines: past one, silence is a rejection, and nothing that was granted lasts for ever."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from policies import jobs
from policies.models import Approval
from policies.services import escalating
from tests.policies.rows import approval_of, ask, policy
from tests.policies.test_escalating import ASKS, DEPLOY, approve, kinds_of
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def expire(now: datetime) -> int:
    return escalating.expire(actor=SYSTEM, now=now)


def test_past_the_deadline_an_approval_is_rejected_at_the_exact_second() -> None:
    policy(**ASKS)
    held = approval_of(ask(DEPLOY))
    assert expire(held.expires_at - timedelta(microseconds=1)) == 0
    with pytest.raises(escalating.DeadlinePassed):
        approve(held, now=held.expires_at)
    assert expire(held.expires_at) == 1
    assert expire(held.expires_at) == 0
    late = Approval.objects.get(pk=held.pk)
    assert (late.state, late.decided_by, late.comment) == ("rejected", None, escalating.TOO_LATE)
    assert kinds_of(held) == ["approval.requested", "approval.expired"]


def test_what_merely_ran_late_may_be_asked_anew() -> None:
    policy(**ASKS)
    held = approval_of(ask(DEPLOY))
    late = held.expires_at + timedelta(seconds=1)
    fresh = approval_of(ask(DEPLOY, now=late))
    assert fresh.pk != held.pk
    assert Approval.objects.get(pk=held.pk).state == "rejected"


def test_a_grant_lapses_with_its_deadline() -> None:
    policy(**ASKS)
    held = approve(approval_of(ask(DEPLOY)))
    assert ask(DEPLOY, now=held.expires_at).outcome == "escalate"


def test_the_job_rejects_what_is_late(settings: Any) -> None:
    settings.APPROVAL_TTL_S = 0
    policy(**ASKS)
    ask(DEPLOY)
    assert jobs.expire_approvals() == 1
    assert jobs.expire_approvals() == 0
