"""What a policy would have said of the recorded past. Reads the decision log, writes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from coordinator.lib.masking import hides
from policies import conditions, engine
from policies.conditions import Fault, measures_of
from policies.engine import Facts, Finding, Rule
from policies.models import Decision
from policies.subjects import Subjects
from policies.vocabulary import STRICTNESS, Mode, Outcome, strictest

MOST_HITS = 100
MOST_GROUPS = 50
GROUPS = {"agent": "agent_key", "mission": "mission_key", "action_type": "action_type"}
"""By what changed decisions are counted, with the column that names it."""

CHUNK = 500


@dataclass
class Report:
    """`considered` decisions were read; `unjudged` ones lack what the policy asks for, each with its reason.

    `hits` are the latest that matched. Of those whose outcome would differ, `changes` are the latest, and `by` counts
    them by agent, mission and action type.
    """

    considered: int = 0
    matched: int = 0
    stricter: int = 0
    looser: int = 0
    complete: bool = True
    unjudged: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    by: dict[str, Counter[str]] = field(default_factory=lambda: {noun: Counter() for noun in GROUPS})
    hits: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        return {
            "considered": self.considered,
            "complete": self.complete,
            "matched": self.matched,
            "outcomes": {str(each): self.outcomes[each] for each in (Outcome.BLOCK, Outcome.ESCALATE, Outcome.WARN)},
            "stricter": self.stricter,
            "looser": self.looser,
            "could_not_judge": self.unjudged.total(),
            "why_not": dict(self.unjudged.most_common(MOST_GROUPS)),
            "changed_by": {noun: dict(counts.most_common(MOST_GROUPS)) for noun, counts in self.by.items()},
            "hits": self.hits,
            "changes": self.changes,
        }


def run(rule: Rule, past: QuerySet[Decision], *, limit: int) -> Report:
    """The rule on the latest decisions, as if it had been in force all the time and enforced.

    Where the rule is one of a stored policy, what that policy said then is taken back first.
    """
    tried = replace(rule, mode=Mode.ENFORCE, valid_from=None, valid_until=None)
    measures = [tuple(name.split(".")) for name in measures_of(tried.tree, tried.require)]
    report = Report()
    for decision in past.order_by("-pk")[: limit + 1].iterator(chunk_size=CHUNK):
        if report.considered == limit:
            report.complete = False
            break
        report.considered += 1
        _try(tried, measures, decision, report)
    return report


def facts_of(decision: Decision) -> Facts:
    """The facts of a recorded decision, as it was made; secrets stay masked."""
    asked = decision.asked
    return Facts(
        point=asked["point"],
        action=asked["action"],
        subjects=Subjects.of_data(asked["subjects"], asked["facts"]),
        actor_kind=asked["actor"]["kind"],
        actor_name=asked["actor"]["name"],
        at=parse_datetime(asked["at"]) or decision.at,
    )


def _try(rule: Rule, measures: Iterable[tuple[str, ...]], decision: Decision, report: Report) -> None:
    facts = facts_of(decision)
    finding = None
    if rule.concerns(facts):
        if reason := _why_not(rule, measures, facts):
            report.unjudged[reason] += 1
            return
        finding = next(iter(engine.judge(facts, [rule]).findings), None)
    if finding:
        _count(finding, decision, report)
    _compare(rule, finding, decision, report)


def _why_not(rule: Rule, measures: Iterable[tuple[str, ...]], facts: Facts) -> str:
    """Why the rule says nothing of these facts; empty when it does."""
    if _needs_a_secret(rule, facts):
        return "a secret that it looks at is masked"
    for path in measures:
        if conditions.reach(facts.view, path) is conditions.MISSING:
            return f"{'.'.join(path)}: it was not recorded then"
    answer = rule.holds(facts)
    return answer.reason if isinstance(answer, Fault) else ""


def _count(finding: Finding, decision: Decision, report: Report) -> None:
    report.matched += 1
    report.outcomes[finding.outcome] += 1
    if len(report.hits) < MOST_HITS:
        report.hits.append(_hit(decision, finding.outcome, finding.matched))


def _compare(rule: Rule, finding: Finding | None, decision: Decision, report: Report) -> None:
    """Counts a decision whose outcome would be another."""
    was = Outcome(decision.outcome)
    if finding is None and rule.policy not in decision.policies:
        return
    others = [Outcome(each["outcome"]) for each in decision.matched if each["policy_id"] != rule.key]
    outcome = strictest([*others, *([finding.outcome] if finding else [])])
    if outcome == was:
        return
    stricter = STRICTNESS[outcome] > STRICTNESS[was]
    report.stricter, report.looser = report.stricter + stricter, report.looser + (not stricter)
    for noun, column in GROUPS.items():
        report.by[noun][getattr(decision, column)] += 1
    if len(report.changes) < MOST_HITS:
        report.changes.append(_hit(decision, outcome, finding.matched if finding else []))


def _needs_a_secret(rule: Rule, facts: Facts) -> bool:
    return any(hides(found) for leaf in rule.tree.leaves() for found in _on_the_way(facts.view, leaf.path))


def _on_the_way(view: Any, path: tuple[str, ...]) -> Iterable[Any]:
    return (conditions.reach(view, path[:length]) for length in range(1, len(path) + 1))


def _hit(decision: Decision, outcome: Outcome, matched: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "decision": decision.pk,
        "at": decision.at,
        "point": decision.point,
        "action_type": decision.action_type,
        "mission": decision.mission_key or None,
        "task": decision.task_key or None,
        "agent": decision.agent_key or None,
        "was": decision.outcome,
        "outcome": str(outcome),
        "matched": matched,
    }
