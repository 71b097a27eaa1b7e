"""Expressions in CEL: refused without the extra, compiled with declared names alone, bounded, never silent."""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import pytest

from policies import engine
from policies.conditions import Fault, Registry, read
from tests.policies.test_conditions import mistakes
from tests.policies.test_engine import facts, rule

needs_cel = pytest.mark.skipif(find_spec("cel_expr_python") is None, reason="the extra `cel` is not installed")
PUSH = {"action_type": "git_push", "commits": 7, "force": True, "branch": "main", "files": ["a.py", "b.sql"]}


def of(source: str, action: Any = None, **also: Any) -> Any:
    given = {"action_type": (action or PUSH)["action_type"], "expression": source}
    return read(given, Registry())[0].holds({**(action or PUSH), **also})


def refused(source: Any) -> str:
    return mistakes({"action_type": "git_push", "expression": source})["/expression"]


WITHOUT = """
import sys
sys.modules["cel_expr_python"] = None
from policies.conditions import Registry, Unreadable, read
try:
    read({"any": [{"expression": "force"}, {"custom.x": 1}]}, Registry())
except Unreadable as refused:
    print(refused)
"""


def test_without_the_extra_an_expression_is_refused_and_says_what_to_install() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.startswith("/any/0/expression: ")
    assert "coordinator[cel]" in ran.stdout


@needs_cel
@pytest.mark.parametrize("source", ["", "  ", 5, None, ["force"], "force || " * 300])
def test_an_expression_is_a_text_of_a_bounded_length(source: Any) -> None:
    assert "2000" in refused(source)


@needs_cel
@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("commits > 5 && force", True),
        ("commits > 7", False),
        ("commits * 2 == 14", True),
        ("branch.startsWith('ma') && size(files) == 2", True),
        ("files.exists(x, x.endsWith('.sql'))", True),
        ("files.all(x, x.matches('^[a-z]+[.](py|sql)$'))", True),
        ("has(custom.ticket) && custom.ticket == 'T-1'", True),
        ("context.agent == 'a-9'", True),
        ("context.at > timestamp('2026-01-01T00:00:00Z')", True),
        ("mission.cost_usd > 10.25", True),
        ("rate.tool_call_10m >= 3 && cost.agent_24h < 5.0", True),
    ],
)
def test_an_expression_sees_the_declared_attributes_with_their_kinds(source: str, answer: bool) -> None:
    known = {
        "custom": {"ticket": "T-1"},
        "context": {"agent": "a-9", "at": "2026-11-25T12:00:00.000000Z"},
        "mission": {"cost_usd": "10.50"},
        "rate": {"tool_call_10m": 3},
        "cost": {"agent_24h": "4.50"},
    }
    assert of(source, **known) is answer


@needs_cel
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("forced", "forced"),
        ("environment == 'x'", "environment"),
        ("mission.nosuch == 1", "nosuch"),
        ("commits +", "Not an expression"),
        ("branch", "true or false"),
        ("branch > 5", "Not an expression"),
        ("(" * 40 + "force" + ")" * 40, "Not an expression"),
        ("force\ud800", "Not an expression"),
    ],
)
def test_what_does_not_compile_with_the_declared_names_is_refused(source: str, told: str) -> None:
    assert told in refused(source)


@needs_cel
def test_what_an_expression_cannot_answer_is_an_error_and_no_silent_no() -> None:
    bare = {"action_type": "git_push"}
    for source in ("force", "!force", "commits > 5", "mission.status == 'active'", "1 / 0 == 1"):
        assert isinstance(of(source, bare), Fault), source
    assert isinstance(of("commits > 5", {**PUSH, "commits": "many"}), Fault)
    assert isinstance(of("branch == 'x'", {**PUSH, "branch": 5}), Fault)
    closed = rule(conditions={"action_type": "git_push", "expression": "commits > 5"})
    said = engine.judge(facts(bare), [closed])
    assert (said.outcome, "expression" in said.findings[0].error) == ("block", True)
    told = engine.judge(facts(PUSH), [closed]).findings[0].as_data()["matched"][-1]
    assert told == {"path": "expression", "op": "cel", "expected": "commits > 5", "holds": True}


@needs_cel
def test_loops_and_patterns_have_budgets() -> None:
    loop = "[1,2,3,4,5,6,7,8,9,10]"
    deep = "true"
    for name in "abcdefgh":
        deep = f"{loop}.all({name}, {deep})"
    began = perf_counter()
    assert isinstance(of(deep), Fault)
    assert of("branch.matches('(a+)+$')", {**PUSH, "branch": "a" * 100_000 + "!"}) is False
    assert perf_counter() - began < 5


@needs_cel
def test_an_expression_stands_beside_conditions_and_below_combinators() -> None:
    guarded = {"action_type": "git_push", "commits": {"exists": True}, "expression": "commits > 5"}
    tree = read(guarded, Registry())[0]
    assert (tree.holds({"commits": 7}), tree.holds({})) == (False, False)
    assert tree.holds({"action_type": "git_push", "commits": 7}) is True
    assert read({"not": {"expression": "custom.x == 1"}}, Registry())[0].holds({"custom": {"x": 1}}) is False
    later = datetime(2026, 11, 25, tzinfo=UTC).isoformat()
    assert read({"expression": "context.actor == 'a'"}, Registry())[0].holds({"context": {"actor": "a", "at": later}})
