"""Waivers: asking that a policy does not bind for a while, the word of another person, and the uses of a grant."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.db.models import F

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid, NotAllowed
from coordinator.lib.masking import masked
from coordinator.lib.refs import Ref
from policies import wording
from policies.engine import Facts, Finding
from policies.events import WaiverGranted, WaiverRequested, WaiverRevoked, WaiverUsed
from policies.models import Policy, Waiver, WaiverState
from policies.models.waiver import LONGEST, MOST_USES
from policies.vocabulary import Outcome
from traceability import canonical, ledger
from traceability.events import Actor, Subject

NOUNS = ("mission", "task", "agent")


class WaiverSettled(Conflict):
    """This waiver was granted or revoked already."""


class WaiverTooLate(Conflict):
    """This waiver's time is over."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What a waiver is for: all that is named has to fit. `digest` is of one exact action."""

    mission: Ref | None = None
    task: Ref | None = None
    agent: Ref | None = None
    digest: str = ""


def request(
    policy: Policy,
    cover: Cover,
    *,
    reason: str,
    expires_at: datetime,
    person: Any,
    actor: Actor,
    now: datetime,
    uses: int = 1,
) -> Waiver:
    """A waiver that waits for a grant. Raises Invalid."""
    if mistakes := _mistakes(cover, reason, expires_at, uses, now):
        raise Invalid(mistakes)
    named = {noun: ref for noun in NOUNS if (ref := getattr(cover, noun)) is not None}
    columns = {f"{noun}_id": ref.id for noun, ref in named.items()}
    columns |= {f"{noun}_key": ref.key for noun, ref in named.items()}
    with ledger.writing():
        waiver = Waiver.objects.create(
            policy=policy, digest=cover.digest, reason=reason, expires_at=expires_at, uses=uses, uses_left=uses,
            requester=person, requester_name=actor.name, created_at=now, **columns,
        )  # fmt: skip
        told = WaiverRequested(**_about(waiver), reason=reason, uses=uses, expires_at=expires_at)
        ledger.record(told, actor=actor, at=now)
    return waiver


def grant(waiver: Waiver, *, person: Any, actor: Actor, now: datetime, expected: int | None = None) -> Waiver:
    """From now on it holds. Raises NotAllowed (an agent, or who asked), WaiverSettled, WaiverTooLate, Stale."""
    if person.kind != "person":
        raise NotAllowed("Only people grant waivers.")
    if person.pk == waiver.requester_id:
        raise NotAllowed("Somebody else must grant what you asked for.")
    with ledger.writing():
        waiver = _locked(waiver)
        versions.require(waiver, expected)
        if waiver.state != WaiverState.REQUESTED:
            raise WaiverSettled(f"Waiver {waiver.pk} is {waiver.state} already.")
        if waiver.expires_at <= now:
            raise WaiverTooLate(f"Waiver {waiver.pk} would have ended at {waiver.expires_at:%Y-%m-%d %H:%M} UTC.")
        waiver.state, waiver.grantor, waiver.granted_at = WaiverState.GRANTED, person, now
        waiver.save(update_fields=["state", "grantor", "granted_at"])
        told = WaiverGranted(**_about(waiver), requester=waiver.requester_name)
        ledger.record(told, actor=actor, at=now)
    return waiver


def revoke(waiver: Waiver, *, person: Any, actor: Actor, now: datetime, expected: int | None = None) -> Waiver:
    """It ends at once; one that was only asked for is refused by it. Raises WaiverSettled, Stale."""
    with ledger.writing():
        waiver = _locked(waiver)
        versions.require(waiver, expected)
        if waiver.state == WaiverState.REVOKED:
            raise WaiverSettled(f"Waiver {waiver.pk} is revoked already.")
        waiver.state, waiver.revoked_by, waiver.revoked_at = WaiverState.REVOKED, person, now
        waiver.save(update_fields=["state", "revoked_by", "revoked_at"])
        ledger.record(WaiverRevoked(**_about(waiver)), actor=actor, at=now)
    return waiver


@dataclass
class Offers:
    """The waivers that have a use left: read once, when a policy binds, for all questions that are asked at once."""

    now: datetime

    @cached_property
    def usable(self) -> list[Waiver]:
        return list(Waiver.objects.usable(self.now).select_related("policy").order_by("policy_id", "expires_at", "pk"))

    def fitting(self, facts: Facts, policies: Container[int]) -> list[Waiver]:
        """Those for these policies and this action, always in the same order, so that two never wait for each other."""
        refs = {noun: getattr(facts.subjects, noun) for noun in NOUNS}
        found = [each for each in self.usable if each.policy_id in policies and each.names_only(**refs)]
        return [each for each in found if not each.digest or each.digest == digest_of(facts)]


def use(facts: Facts, findings: Iterable[Finding], offers: Offers, *, actor: Actor) -> dict[int, int]:
    """Spends one use of a waiver for each policy that binds and has one: the waiver's id by the policy's.

    To be called inside `ledger.writing()`: a use is spent with the decision, or not at all. Of many at once who want
    the last use, one gets it.
    """
    binding = {each.rule.policy: each for each in findings if each.outcome != Outcome.ALLOW}
    used: dict[int, int] = {}
    for waiver in offers.fitting(facts, binding) if binding else ():
        if waiver.policy_id not in used and _spend(waiver, offers.now):
            used[waiver.policy_id] = waiver.pk
            told = WaiverUsed(
                **_about(waiver),
                action_type=facts.action_type,
                would_have=binding[waiver.policy_id].would_have,
                uses_left=waiver.uses_left,
            )
            ledger.record(told, actor=actor, at=offers.now)
    return used


def _spend(waiver: Waiver, now: datetime) -> bool:
    """Takes a use when one is still left; others who want it wait until this decision is made."""
    if not Waiver.objects.usable(now).filter(pk=waiver.pk).update(uses_left=F("uses_left") - 1):
        return False
    waiver.refresh_from_db(fields=["uses_left"])
    return True


def digest_of(facts: Facts) -> str:
    """SHA-256 of the exact action and whom it is about, secrets masked: the same from a decision that was kept."""
    refs = {noun: ref.id for noun in NOUNS if (ref := getattr(facts.subjects, noun))}
    bound = {
        "point": facts.point,
        "action_type": facts.action_type,
        "action": masked(wording.identity_of(facts.point, facts.action)),
        "subjects": refs,
    }
    return sha256(canonical.write(bound).encode()).hexdigest()


def _mistakes(cover: Cover, reason: str, expires_at: datetime, uses: int, now: datetime) -> dict[str, list[str]]:
    found = {}
    if not (cover.mission or cover.task or cover.agent or cover.digest):
        found["agent"] = ["Name what it is for: some of mission, task, agent and decision."]
    if not reason.strip():
        found["reason"] = ["Say why."]
    if not now < expires_at <= now + LONGEST:
        found["expires_at"] = [f"A waiver ends within {LONGEST.days} days from now."]
    if not 1 <= uses <= MOST_USES:
        found["uses"] = [f"This takes a whole number from 1 to {MOST_USES}."]
    return found


def _locked(waiver: Waiver) -> Waiver:
    return Waiver.objects.select_related("policy", "requester").select_for_update(of=("self",)).get(pk=waiver.pk)


def _about(waiver: Waiver) -> dict[str, Any]:
    refs = {noun: getattr(waiver, f"{noun}_key") for noun in NOUNS if getattr(waiver, f"{noun}_id") is not None}
    return {
        "subject": Subject("waiver", waiver.pk, str(waiver.pk)),
        "policy_id": waiver.policy.key,
        "covers": refs | ({"digest": waiver.digest} if waiver.digest else {}),
    }
