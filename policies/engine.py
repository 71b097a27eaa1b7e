"""Judging: plain facts against compiled policies. The strictest outcome wins; nothing here can allow away another.

Pure: the time, counts and costs are facts. The same facts and rules give the same findings in the same order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from coordinator.lib.masking import MASKED, is_secret
from policies import conditions
from policies.conditions import Answer, Fault, Node
from policies.subjects import NOUNS, Subjects
from policies.vocabulary import STRICTNESS, Mode, OnError, Outcome, strictest
from traceability import canonical

MOST_LEAVES = 20
Scope = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that one action is judged by."""

    point: str
    action: Mapping[str, Any]
    subjects: Subjects
    actor_kind: str
    actor_name: str
    at: datetime

    @property
    def action_type(self) -> str:
        return str(self.action.get("action_type", ""))

    @cached_property
    def view(self) -> dict[str, Any]:
        """What conditions look at: the action's own attributes, the facts of its subjects, and the context."""
        named = {noun: ref.key for noun in NOUNS if (ref := getattr(self.subjects, noun)) is not None}
        context = {
            **named,
            "at": canonical.moment(self.at),
            "actor": self.actor_name,
            "actor_kind": self.actor_kind,
            "agent_type": self.subjects.agent_type,
            "capabilities": list(self.subjects.capabilities),
        }
        return {**self.bare, "context": context}

    @property
    def bare(self) -> Mapping[str, Any]:
        """The view without the context."""
        return {**self.action, **self.subjects.facts} if self.subjects.facts else self.action

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        """By which names a scope may mean them: ids and keys."""
        refs = {noun: getattr(self.subjects, noun) for noun in NOUNS}
        found = {noun: frozenset({str(ref.id), ref.key}) for noun, ref in refs.items() if ref is not None}
        return {
            **found,
            "agent_type": frozenset({self.subjects.agent_type} - {""}),
            "capability": frozenset(self.subjects.capabilities),
        }


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One revision of a policy, ready to judge. A `broken` one can never be judged and says why."""

    policy: int
    key: str
    revision: int
    outcome: Outcome
    message: str
    tree: Node
    types: frozenset[str] | None = None
    mode: Mode = Mode.ENFORCE
    on_error: OnError = OnError.CLOSED
    scope: Scope = ()
    require: tuple[tuple[str, ...], ...] = ()
    priority: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    broken: str = ""

    @cached_property
    def rank(self) -> tuple[int, int, str]:
        """What sorts findings: the strictest first, then by priority, then by key."""
        return (-STRICTNESS[self.outcome], -self.priority, self.key)

    def concerns(self, facts: Facts) -> bool:
        """Its time, its action types and its scope fit."""
        if (self.valid_from and facts.at < self.valid_from) or (self.valid_until and facts.at >= self.valid_until):
            return False
        if self.types is not None and facts.action_type not in self.types:
            return False
        return all(wanted & facts.names.get(noun, frozenset()) for noun, wanted in self.scope)

    def holds(self, facts: Facts) -> Answer:
        if self.broken:
            return Fault(self.broken)
        for path in self.require:
            if conditions.reach(facts.view, path) is conditions.MISSING:
                return Fault(f"{'.'.join(path)}: it is missing, and the policy requires it")
        return self.tree.holds(facts.view)


class Ruleset(Protocol):
    """Rules that are filed so that few of them are looked at."""

    def answers(self, facts: Facts) -> Iterable[tuple[Rule, Answer]]:
        """The rules that concern the action and hold or cannot be judged, in any order."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one policy said. `outcome` binds; `would_have` is what it would have said if it bound."""

    rule: Rule
    outcome: Outcome
    would_have: Outcome
    facts: Facts = field(repr=False, compare=False)
    error: str = ""

    @cached_property
    def matched(self) -> list[dict[str, Any]]:
        """Each test with what was expected and what was there; secrets masked."""
        return [] if self.rule.broken else _told(self.rule.tree, self.facts.view)

    @property
    def message(self) -> str:
        """What the policy says to the action; when it could not be judged, why."""
        return self.error or self.rule.message

    def as_data(self) -> dict[str, Any]:
        said = {
            "policy_id": self.rule.key,
            "revision": self.rule.revision,
            "outcome": str(self.outcome),
            "message": self.message,
            "mode": str(self.rule.mode),
            "would_have": str(self.would_have),
            "matched": self.matched,
        }
        return {**said, "error": self.error} if self.error else said


@dataclass(frozen=True, kw_only=True)
class Judgement:
    outcome: Outcome
    findings: tuple[Finding, ...] = ()


NOTHING = Judgement(outcome=Outcome.ALLOW)
"""No policy has anything against the action."""


def judge(facts: Facts, policies: Iterable[Rule] | Ruleset) -> Judgement:
    """What the policies say of the action, the strictest first. Filed rules are sifted, plain ones asked one by one."""
    said = answers(policies, facts) if isinstance(policies, Iterable) else policies.answers(facts)
    found = [_finding(rule, answer, facts) for rule, answer in said]
    if not found:
        return NOTHING
    found.sort(key=lambda each: each.rule.rank)
    return Judgement(outcome=strictest(each.outcome for each in found), findings=tuple(found))


def answers(rules: Iterable[Rule], facts: Facts) -> Iterator[tuple[Rule, Answer]]:
    """Each rule that concerns the action and holds or cannot be judged."""
    for rule in rules:
        if rule.concerns(facts) and (answer := rule.holds(facts)) is not False:
            yield rule, answer


def _finding(rule: Rule, answer: Answer, facts: Facts) -> Finding:
    error = f"policy_error: {answer.reason}" if isinstance(answer, Fault) else ""
    bound = rule.mode == Mode.ENFORCE and not (error and rule.on_error == OnError.OPEN)
    return Finding(
        rule=rule, outcome=rule.outcome if bound else Outcome.ALLOW, would_have=rule.outcome, facts=facts, error=error
    )


def _told(tree: Node, view: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = [leaf.told(view) for _, leaf in zip(range(MOST_LEAVES), tree.leaves(), strict=False)]
    return [{**each, "actual": MASKED} if "actual" in each and is_secret(each["path"]) else each for each in told]
