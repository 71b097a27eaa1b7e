"""Holding an action for a person's word, and that word: approve, reject, or the deadline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, ImpossibleMove, NotAllowed, Refusal
from coordinator.lib.masking import masked
from policies import wording
from policies.engine import Facts, Finding
from policies.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOvertaken,
    ApprovalRejected,
    ApprovalRequested,
    ApprovalUsed,
)
from policies.models import Approval
from policies.vocabulary import ApprovalState
from traceability import canonical, ledger
from traceability.events import Actor, Subject

TOO_LATE = "The deadline passed with no decision."


class AlreadyDecided(Conflict):
    """This approval was decided already."""


class DeadlinePassed(Conflict):
    """The deadline of this approval has passed; it counts as rejected."""


@dataclass(frozen=True)
class Standing:
    """Where a held action stands: `held`, `granted` (this once) or `refused`."""

    word: str
    approval: Approval


def stand(facts: Facts, asking: list[Finding], *, remark: str, actor: Actor, now: datetime) -> Standing:
    """What people have said of this very action. With no word yet, one approval waits, however often it is asked.

    `remark` is what the asker says with it, kept with a new approval. To be called inside `ledger.writing()`. A grant
    is used up by this call.
    """
    digest = digest_of(facts, asking, actor)
    _one_at_a_time(digest)
    latest = Approval.objects.of_action(digest).select_for_update(of=("self",)).first()
    if latest is None or _is_silent(latest, actor, now):
        return Standing("held", _request(facts, asking, digest, remark, actor, now))
    if latest.state == ApprovalState.PENDING:
        return Standing("held", latest)
    if latest.state == ApprovalState.REJECTED:
        return Standing("refused", latest)
    latest.consumed_at = now
    latest.save(update_fields=["consumed_at"])
    ledger.record(ApprovalUsed(**_about(latest)), actor=actor, at=now)
    return Standing("granted", latest)


def approve(
    approval: Approval, *, person: Any, comment: str, actor: Actor, now: datetime, expected: int | None = None
) -> Approval:
    """Grants it, and does what was held in the same transaction; an asked-about action is let through once.

    When what was held no longer fits, that is recorded, and the reason raised. Raises NotAllowed, AlreadyDecided,
    DeadlinePassed, Stale.
    """
    _refuse(approval, person, expected, now)
    overtaken: Refusal | None = None
    with ledger.writing():
        try:
            released = _release(approval, person, actor, now)
        except (Conflict, ImpossibleMove) as why:
            overtaken, released = why, False
        state = ApprovalState.OVERTAKEN if overtaken else ApprovalState.APPROVED
        approval = _close(
            approval, state, by=person, comment=comment, now=now, **({"consumed_at": now} if released else {})
        )
        about = _about(approval)
        told = (
            ApprovalOvertaken(**about, reason=overtaken.detail)
            if overtaken
            else ApprovalGranted(**about, comment=comment, released=released)
        )
        ledger.record(told, actor=actor, at=now)
    if overtaken:
        raise overtaken
    return approval


def reject(
    approval: Approval, *, person: Any, comment: str, actor: Actor, now: datetime, expected: int | None = None
) -> Approval:
    """Refuses it: until its deadline the same action is blocked. Raises NotAllowed, AlreadyDecided, DeadlinePassed,
    Stale."""
    _refuse(approval, person, expected, now)
    with ledger.writing():
        approval = _close(approval, ApprovalState.REJECTED, by=person, comment=comment, now=now)
        ledger.record(ApprovalRejected(**_about(approval), comment=comment), actor=actor, at=now)
    return approval


def expire(*, actor: Actor, now: datetime) -> int:
    """Rejects everything whose deadline has passed; answers how many."""
    with ledger.writing():
        late = list(Approval.objects.overdue(now).order_by("pk").select_for_update(skip_locked=True, of=("self",)))
        for approval in late:
            _expire(approval, actor, now)
    return len(late)


def digest_of(facts: Facts, asking: list[Finding], actor: Actor) -> str:
    """SHA-256 of the exact action, whom it is about, and the revisions that ask: anything else is another approval."""
    refs = {noun: ref.id for noun in ("mission", "task", "agent") if (ref := getattr(facts.subjects, noun))}
    asker = None if facts.subjects.agent or facts.point in wording.IDENTITY else actor.id
    bound = {
        "point": facts.point,
        "action_type": facts.action_type,
        "action": wording.identity_of(facts.point, facts.action),
        "subjects": refs,
        "asker": asker,
        "policies": sorted([each.rule.key, each.rule.revision] for each in asking),
    }
    return sha256(canonical.write(bound).encode()).hexdigest()


def _request(facts: Facts, asking: list[Finding], digest: str, remark: str, actor: Actor, now: datetime) -> Approval:
    subjects = facts.subjects
    refs = {noun: getattr(subjects, noun) for noun in ("mission", "task", "agent")}
    named = {f"{noun}_id": ref.id for noun, ref in refs.items() if ref}
    named |= {f"{noun}_key": ref.key for noun, ref in refs.items() if ref}
    policies = [{"policy_id": each.rule.key, "revision": each.rule.revision} for each in asking]
    approval = Approval.objects.create(
        digest=digest,
        point=facts.point,
        action_type=facts.action_type,
        action=masked(dict(facts.action)),
        summary=wording.summary_of(
            masked(facts.action), mission=named.get("mission_key", ""), task=named.get("task_key", "")
        ),
        reason="; ".join(each.message for each in asking),
        remark=remark,
        policies=policies,
        requester_id=actor.id,
        requester_name=actor.name,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.APPROVAL_TTL_S),
        **named,
    )
    told = ApprovalRequested(
        **_about(approval),
        reason=approval.reason,
        digest=digest,
        expires_at=approval.expires_at,
        policies=policies,
    )
    ledger.record(told, actor=actor, at=now)
    return approval


def _is_silent(latest: Approval, actor: Actor, now: datetime) -> bool:
    """Whether the latest approval of an action says nothing about asking again: late, used up, or overtaken."""
    if latest.expires_at <= now:
        if latest.state == ApprovalState.PENDING:
            _expire(latest, actor, now)
        return True
    used = latest.state == ApprovalState.APPROVED and latest.consumed_at is not None
    return used or latest.state == ApprovalState.OVERTAKEN


def _release(approval: Approval, person: Any, actor: Actor, now: datetime) -> bool:
    """Does what was held, or nothing when the asker does it; taken back as a whole when it no longer fits."""
    address = settings.APPROVAL_RELEASES.get(approval.point)
    if address is None:
        return False
    with ledger.writing():
        done = import_string(address)(approval, person=person, actor=actor, now=now)
    return done is not False


def _close(approval: Approval, state: ApprovalState, *, by: Any, now: datetime, **fields: Any) -> Approval:
    """Decides a pending approval; of two at once, one. It is locked after what is released, as a move does it."""
    waiting = Approval.objects.pending().filter(pk=approval.pk)
    if not waiting.update(state=state, decided_by=by, decided_at=now, **fields):
        _refuse_decided(Approval.objects.select_related("decided_by").get(pk=approval.pk))
    return Approval.objects.select_related("requester", "decided_by").get(pk=approval.pk)


def _expire(approval: Approval, actor: Actor, now: datetime) -> None:
    approval.state, approval.decided_at, approval.comment = ApprovalState.REJECTED, now, TOO_LATE
    approval.save(update_fields=["state", "decided_at", "comment"])
    ledger.record(ApprovalExpired(**_about(approval)), actor=actor, at=now)


def _refuse(approval: Approval, person: Any, expected: int | None, now: datetime) -> None:
    if person.kind != "person":
        raise NotAllowed("Only people decide approvals.")
    if person.pk == approval.requester_id:
        raise NotAllowed("Somebody else must decide what you asked for.")
    versions.require(approval, expected)
    if approval.state != ApprovalState.PENDING:
        _refuse_decided(approval)
    if approval.expires_at <= now:
        raise DeadlinePassed(
            f"The deadline of approval {approval.pk} passed at {approval.expires_at:%Y-%m-%d %H:%M} UTC."
        )


def _refuse_decided(approval: Approval) -> None:
    by = approval.decided_by.email if approval.decided_by else "the deadline"
    raise AlreadyDecided(f"Approval {approval.pk} is {approval.state} already, by {by}.")


def _about(approval: Approval) -> dict[str, Any]:
    return {
        "mission": approval.mission,
        "task": approval.task,
        "agent": approval.agent,
        "subject": Subject("approval", approval.pk, str(approval.pk)),
        "approval": approval.pk,
        "summary": approval.summary,
    }


def _one_at_a_time(digest: str) -> None:
    """Askers of one action wait for each other, so that one approval is opened and a grant is used once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [digest])
