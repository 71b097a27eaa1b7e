"""The tests of a policy: actions, and what it is expected to say of each. Pure.

`{"name": "a force push", "input": {"action_type": "git_push", "force": true}, "expect": "match"}`. Beside these a test
may give `facts` (what is known of the subjects, such as `{"mission": {"status": "active"}}`), `context` (who asks, for
instance `{"agent": "a-1", "capabilities": ["db"]}`) and `at`, a time. Every action of a test counts as within the
policy's scope. Without `at` the times at which a policy holds are left out; with it they count.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from coordinator.lib.refs import Ref
from policies import engine
from policies.conditions import Fault, Registry, misfits
from policies.conditions.values import moment
from policies.engine import Facts, Rule
from policies.subjects import NOUNS, Subjects
from policies.vocabulary import Mode, Outcome

MOST = 100
LARGEST = 64 * 1024
LONGEST_NAME = 200
MATCH, NO_MATCH, ERROR = "match", "no_match", "error"
MATCHING = (MATCH, str(Outcome.WARN), str(Outcome.ESCALATE), str(Outcome.BLOCK))
OTHERS = (NO_MATCH, str(Outcome.ALLOW))
EXPECTED = (*MATCHING, *OTHERS, ERROR)
NEEDED = {"name", "input", "expect"}
MAY_HAVE = NEEDED | {"facts", "context", "at"}
CONTEXT = {*NOUNS, "agent_type", "capabilities", "actor", "actor_kind"}
SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trial:
    """One test that was run: what was expected, and what was found."""

    name: str
    expect: str
    found: str

    @property
    def passed(self) -> bool:
        if self.expect == MATCH:
            return self.found not in {NO_MATCH, ERROR}
        return self.found == (NO_MATCH if self.expect == Outcome.ALLOW else self.expect)

    def __str__(self) -> str:
        return f"{self.name!r}: expected {self.expect}, found {self.found}."


def run(rule: Rule, tests: Iterable[Mapping[str, Any]]) -> list[Trial]:
    """Every test, in order."""
    return [Trial(each["name"], each["expect"], _found(rule, each)) for each in tests]


def failures(rule: Rule, tests: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each test that fails, after the JSON pointer to it."""
    return [f"/{index}: {trial}" for index, trial in enumerate(run(rule, tests)) if not trial.passed]


def suffice(tests: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a policy with these tests counts as tested: one that matches, and one that does not."""
    expected = {each["expect"] for each in tests}
    return bool(expected & {*MATCHING}) and bool(expected & {*OTHERS})


def mode_of(mode: str, tests: Iterable[Mapping[str, Any]], *, required: bool) -> Mode:
    """How a policy is judged: where tests are required, an untested one never binds."""
    return Mode(mode) if suffice(tests) or not required else Mode.AUDIT


def mistakes_of(tests: Any, registry: Registry) -> list[str]:
    """What cannot be read, each after a JSON pointer."""
    if not isinstance(tests, list) or len(tests) > MOST:
        return [f"Tests are a list of at most {MOST}."]
    text = json.dumps(tests)
    if "\\u0000" in text:
        return ["Text must not contain the NUL character."]
    if len(text) > LARGEST:
        return [f"All tests together are at most {LARGEST} characters long."]
    found = [f"/{index}{text}" for index, each in enumerate(tests) for text in _mistakes(each, registry)]
    names = [each["name"] for each in tests if not found]
    twice = sorted({name for name in names if names.count(name) > 1})
    return found + [f"/{names.index(name)}/name: Two tests are called {name!r}." for name in twice]


def _mistakes(test: Any, registry: Registry) -> list[str]:
    if not isinstance(test, dict) or not set(test) >= NEEDED or not set(test) <= MAY_HAVE:
        return [f": A test has {', '.join(sorted(NEEDED))}, and may have {', '.join(sorted(MAY_HAVE - NEEDED))}."]
    found = []
    name = test["name"]
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        found.append(f"/name: This takes a text of at most {LONGEST_NAME} characters.")
    if not isinstance(test["expect"], str) or test["expect"] not in EXPECTED:
        found.append(f"/expect: This takes one of {', '.join(EXPECTED)}.")
    if "at" in test and moment(test["at"]) is None:
        found.append("/at: This takes an RFC 3339 time with its zone.")
    if not isinstance(test.get("facts", {}), dict):
        found.append("/facts: This takes an object.")
    return found + _of_context(test.get("context", {})) + _of_input(test["input"], registry)


def _of_context(context: Any) -> list[str]:
    if not isinstance(context, dict) or not set(context) <= CONTEXT:
        return [f"/context: This takes an object with some of {', '.join(sorted(CONTEXT))}."]
    found = []
    for name, value in context.items():
        listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if name == "capabilities" and not listed:
            found.append("/context/capabilities: This takes a list of texts.")
        elif name != "capabilities" and not isinstance(value, str):
            found.append(f"/context/{name}: This takes text.")
    return found


def _of_input(action: Any, registry: Registry) -> list[str]:
    if not isinstance(action, dict) or not isinstance(action.get("action_type"), str):
        return ["/input: This takes an action, an object with its action_type."]
    if not registry.knows(action["action_type"]):
        return [f"/input/action_type: There is no action type {action['action_type'][:64]!r}."]
    return [f"/input/{name}: {text}" for name, text in misfits(action, registry).items()]


def _found(rule: Rule, test: Mapping[str, Any]) -> str:
    given = moment(test["at"]) if "at" in test else None
    tried = replace(rule, scope=(), mode=Mode.ENFORCE)
    if given is None:
        tried = replace(tried, **ALWAYS)
    facts = _facts(test, given or SOME_TIME)
    if not tried.concerns(facts):
        return NO_MATCH
    if isinstance(tried.holds(facts), Fault):
        return ERROR
    findings = engine.judge(facts, [tried]).findings
    return str(findings[0].would_have) if findings else NO_MATCH


ALWAYS: dict[str, Any] = {"valid_from": None, "valid_until": None}
"""A rule's times, left out."""


def _facts(test: Mapping[str, Any], at: datetime) -> Facts:
    context = test.get("context", {})
    refs: dict[str, Any] = {noun: Ref(0, context[noun]) for noun in NOUNS if noun in context}
    return Facts(
        point="agent_action",
        action=test["input"],
        subjects=Subjects(
            **refs,
            agent_type=context.get("agent_type", ""),
            capabilities=tuple(context.get("capabilities", ())),
            facts=test.get("facts", {}),
        ),
        actor_kind=context.get("actor_kind", "agent"),
        actor_name=context.get("actor", ""),
        at=at,
    )
