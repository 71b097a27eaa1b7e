"""Deciding: what the policies in force say of an action, kept on record with all that they were told.

A decision is made inside the caller's `ledger.writing()`, so that it stands or falls with what it was made for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from time import perf_counter_ns
from typing import Any

from coordinator.lib.masking import masked
from coordinator.lib.refs import Ref
from policies import bundles, engine, measuring
from policies.bundles import Bundle
from policies.engine import Facts, Finding, Judgement
from policies.events import DecisionMade
from policies.models import Decision
from policies.services import escalating, waiving
from policies.services.escalating import Standing
from policies.services.waiving import Offers
from policies.subjects import Subjects
from policies.vocabulary import Outcome, strictest
from traceability import canonical, ledger
from traceability.events import Actor, Subject

AGENT_ACTION = "agent_action"
TOLD = ("policy_id", "revision", "outcome", "message", "waiver")
LONGEST_DURATION_US = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`outcome` binds. `approval_id` is the one that holds the action, or that let it through this once."""

    outcome: Outcome
    decisions: tuple[dict[str, Any], ...] = ()
    decision_id: int | None = None
    approval_id: int | None = None
    bundle_hash: str = ""

    def as_data(self) -> list[dict[str, Any]]:
        """One line for each policy that matched: policy_id, revision, outcome, message, matched and more."""
        return [dict(each) for each in self.decisions]


@dataclass(frozen=True, kw_only=True)
class Question:
    """An action that somebody asks about before it is done."""

    action: Mapping[str, Any]
    subjects: Subjects


def decide(
    *,
    point: str,
    action: Mapping[str, Any],
    mission: Ref | None,
    task: Ref | None,
    agent: Ref | None,
    actor: Actor,
    now: datetime,
    sprint: Ref | None = None,
    agent_type: str = "",
    capabilities: Iterable[str] = (),
    facts: Mapping[str, Any] | None = None,
    remark: str = "",
) -> Verdict:
    """The policies' verdict on an action that is about to be done here. On record when some policy matched.

    One statement when no policy matches, and one more for waivers when one binds. `facts` stand beside the action's own
    attributes. `remark` is what the actor says with the action; an approval that holds it keeps that.
    """
    subjects = Subjects(
        mission=mission,
        task=task,
        agent=agent,
        sprint=sprint,
        agent_type=agent_type,
        capabilities=tuple(capabilities),
        facts=facts or {},
    )
    known = _facts(point, action, subjects, actor, now)
    return _decide(known, bundles.current(), Offers(now), actor=actor, always=False, remark=remark)


def evaluate(questions: Iterable[Question], *, actor: Actor, now: datetime) -> list[Verdict]:
    """Answers agents who ask before they act; every answer is on record. One bundle answers all."""
    with ledger.writing():
        bundle, offers = bundles.current(), Offers(now)
        return [
            _decide(
                _facts(AGENT_ACTION, each.action, each.subjects, actor, now), bundle, offers, actor=actor, always=True
            )
            for each in questions
        ]


def _facts(point: str, action: Mapping[str, Any], subjects: Subjects, actor: Actor, now: datetime) -> Facts:
    return Facts(point=point, action=action, subjects=subjects, actor_kind=actor.kind, actor_name=actor.name, at=now)


def _decide(facts: Facts, bundle: Bundle, offers: Offers, *, actor: Actor, always: bool, remark: str = "") -> Verdict:
    facts = measuring.completed(facts, bundle.measures_for(facts.action_type))
    began = perf_counter_ns()
    judgement = engine.judge(facts, bundle.rules_for(facts.action_type))
    took_us = min((perf_counter_ns() - began) // 1000, LONGEST_DURATION_US)
    if not judgement.findings and not always:
        return Verdict(outcome=Outcome.ALLOW, bundle_hash=bundle.hash)
    waived = waiving.use(facts, judgement.findings, offers, actor=actor)
    left = [each for each in judgement.findings if each.rule.policy not in waived]
    asking = [each for each in left if each.outcome == Outcome.ESCALATE]
    waits = strictest(each.outcome for each in left) == Outcome.ESCALATE
    standing = escalating.stand(facts, asking, remark=remark, actor=actor, now=facts.at) if waits else None
    told = [_told(each, standing, waived.get(each.rule.policy)) for each in judgement.findings]
    outcome = strictest(Outcome(each["outcome"]) for each in told)
    decision = _keep(facts, judgement, outcome, told, standing, bundle, took_us, actor)
    return Verdict(
        outcome=outcome,
        decisions=tuple(told),
        decision_id=decision.pk,
        approval_id=decision.approval_id,
        bundle_hash=bundle.hash,
    )


def _told(finding: Finding, standing: Standing | None, waiver: int | None) -> dict[str, Any]:
    """What a policy said, after what a person has said of the same action."""
    told = finding.as_data()
    if waiver is not None:
        return {**told, "outcome": str(Outcome.ALLOW), "waiver": waiver}
    if standing is None or finding.outcome != Outcome.ESCALATE:
        return told
    told["approval"] = standing.approval.pk
    if standing.word == "granted":
        told["outcome"] = str(Outcome.ALLOW)
    if standing.word == "refused":
        by, why = standing.approval.decided_by, standing.approval.comment
        told["outcome"] = str(Outcome.BLOCK)
        told["message"] = f"{told['message']} (rejected by {by}{': ' if why else ''}{why[:500]})"
    return told


def _keep(
    facts: Facts,
    judgement: Judgement,
    outcome: Outcome,
    told: list[dict[str, Any]],
    standing: Standing | None,
    bundle: Bundle,
    took_us: int,
    actor: Actor,
) -> Decision:
    text, subjects = _input(facts, actor), facts.subjects
    decision = Decision.objects.create(
        at=facts.at,
        point=facts.point,
        action_type=facts.action_type,
        actor_kind=actor.kind,
        actor_name=actor.name,
        outcome=outcome,
        matched=masked(told),
        policies=[each.rule.policy for each in judgement.findings],
        input=text,
        input_hash=sha256(text.encode()).hexdigest(),
        bundle_hash=bundle.hash,
        approval=standing.approval if standing else None,
        duration_us=took_us,
        **_named(subjects),
    )
    made = DecisionMade(
        mission=subjects.mission,
        task=subjects.task,
        agent=subjects.agent,
        subject=Subject("decision", decision.pk, str(decision.pk)),
        decision=decision.pk,
        point=facts.point,
        action_type=facts.action_type,
        outcome=outcome,
        policies=[{name: each[name] for name in TOLD if name in each} for each in told],
        input_hash=decision.input_hash,
        bundle_hash=bundle.hash,
        approval=decision.approval_id,
    )
    ledger.record(made, actor=actor, at=facts.at)
    return decision


def _named(subjects: Subjects) -> dict[str, Any]:
    refs = {noun: getattr(subjects, noun) for noun in ("mission", "task", "agent")}
    ids = {f"{noun}_id": ref.id for noun, ref in refs.items() if ref}
    return ids | {f"{noun}_key": ref.key for noun, ref in refs.items() if ref}


def _input(facts: Facts, actor: Actor) -> str:
    """Everything that was judged, as one text."""
    return canonical.write(
        {
            "point": facts.point,
            "at": facts.at,
            "action": masked(facts.action),
            "facts": masked(facts.subjects.facts),
            "subjects": facts.subjects.as_data(),
            "actor": {"kind": actor.kind, "id": actor.id, "name": actor.name},
        }
    )
