"""What a policy would have said of the recorded past. Reads the decision log, writes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from coordinator.lib.masking import hides
from policies import conditions, engine
from policies.conditions import Fault
from policies.engine import Facts, Finding, Rule
from policies.models import Decision
from policies.subjects import Subjects
from policies.vocabulary import STRICTNESS, Mode, Outcome

MOST_HITS = 100
CHUNK = 500


@dataclass
class Report:
    """`considered` decisions were read; `unjudged` ones lack what the policy asks for. `hits` are the latest ones."""

    considered: int = 0
    matched: int = 0
    unjudged: int = 0
    stricter: int = 0
    complete: bool = True
    outcomes: Counter[str] = field(default_factory=Counter)
    hits: list[dict[str, Any]] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        return {
            "considered": self.considered,
            "complete": self.complete,
            "matched": self.matched,
            "outcomes": {str(each): self.outcomes[each] for each in (Outcome.BLOCK, Outcome.ESCALATE, Outcome.WARN)},
            "stricter": self.stricter,
            "could_not_judge": self.unjudged,
            "hits": self.hits,
        }


def run(rule: Rule, past: QuerySet[Decision], *, limit: int) -> Report:
    """The rule on the latest decisions, as if it had been in force all the time and enforced."""
    tried = replace(rule, mode=Mode.ENFORCE, valid_from=None, valid_until=None)
    report = Report()
    for decision in past.order_by("-pk")[: limit + 1].iterator(chunk_size=CHUNK):
        if report.considered == limit:
            report.complete = False
            break
        report.considered += 1
        _try(tried, decision, report)
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


def _try(rule: Rule, decision: Decision, report: Report) -> None:
    facts = facts_of(decision)
    if not rule.concerns(facts):
        return
    if _needs_a_secret(rule, facts) or isinstance(rule.holds(facts), Fault):
        report.unjudged += 1
        return
    for finding in engine.judge(facts, [rule]).findings:
        report.matched += 1
        report.outcomes[finding.outcome] += 1
        report.stricter += STRICTNESS[finding.outcome] > STRICTNESS[Outcome(decision.outcome)]
        if len(report.hits) < MOST_HITS:
            report.hits.append(_hit(decision, finding))


def _needs_a_secret(rule: Rule, facts: Facts) -> bool:
    return any(hides(found) for leaf in rule.tree.leaves() for found in _on_the_way(facts.view, leaf.path))


def _on_the_way(view: Any, path: tuple[str, ...]) -> Iterable[Any]:
    return (conditions.reach(view, path[:length]) for length in range(1, len(path) + 1))


def _hit(decision: Decision, finding: Finding) -> dict[str, Any]:
    return {
        "decision": decision.pk,
        "at": decision.at,
        "point": decision.point,
        "action_type": decision.action_type,
        "mission": decision.mission_key or None,
        "task": decision.task_key or None,
        "agent": decision.agent_key or None,
        "was": decision.outcome,
        "outcome": str(finding.outcome),
        "matched": finding.matched,
    }
