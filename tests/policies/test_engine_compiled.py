"""The compiled form says what the plain interpreter says: of any conditions, any JSON, any scope and window."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.lib.refs import Ref
from policies import drafts, engine
from policies.conditions import Fault, Registry, read
from policies.conditions.compiling import compiled
from policies.conditions.operators import OPERATORS
from policies.engine import Facts, Rule
from policies.filing import Filed, Shelf
from policies.subjects import Subjects
from policies.vocabulary import Mode, OnError, Outcome
from tests.policies.test_conditions_hold_for_any_json import ACTIONS, CONDITIONS, JSON, SCALARS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXTS = st.sampled_from(
    ["a", "b", "a/b", "../a", "/a", "2026-01-01T00:00:00Z", "\ud800", "", "1.5", "a\0b", "\0", "\1a"]
)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, float("inf"), float("nan"), 1e300])
VALUES = TEXTS | NUMBERS | st.booleans() | st.none() | st.lists(TEXTS | NUMBERS | st.booleans(), max_size=4) | JSON
ONE = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne"]), SCALARS),
    st.tuples(st.sampled_from(["in", "not_in", "contains_any", "contains_all"]), st.lists(SCALARS, min_size=1)),
    st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-3, 3) | st.sampled_from([0.5, -0.5])),
    st.tuples(st.just("between"), st.sampled_from([[-1, 2], [0.5, 1.5]])),
    st.tuples(st.sampled_from(["contains", "not_contains"]), SCALARS),
    st.tuples(
        st.sampled_from(["startswith", "endswith", "under_path", "glob", "matches"]), st.sampled_from(["a", "b"])
    ),
    st.tuples(st.sampled_from(["before", "after"]), st.just("2026-01-01T00:00:00Z")),
    st.tuples(st.just("during"), st.just({"tz": "Europe/Berlin", "from": "00:30", "to": "03:00"})),
    st.tuples(st.sampled_from(["exists", "empty"]), st.booleans()),
    st.tuples(st.sampled_from(["size_gt", "size_lt"]), st.integers(1, 3)),
)
EACH = ONE.map(lambda each: {each[0]: each[1]})
LEAVES = EACH | st.tuples(st.sampled_from(["any", "every", "none"]), EACH).map(lambda each: {each[0]: each[1]})
LINES = st.tuples(st.sampled_from(["custom.a", "custom.b", "custom.a.0"]), LEAVES).map(lambda each: {each[0]: each[1]})
TREES = st.recursive(
    LINES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
VIEWS = st.fixed_dictionaries({}, optional={"custom": st.dictionaries(st.sampled_from(["a", "b"]), VALUES)})
REGISTRY = Registry()


def tree(conditions: Any) -> Any:
    return read(conditions, REGISTRY)[0]


def plainly(trees: list[Any], view: Any) -> tuple[set[int], set[int]]:
    answers = [each.holds(view) for each in trees]
    faults = {number for number, each in enumerate(answers) if isinstance(each, Fault)}
    return {number for number, each in enumerate(answers) if each is True}, faults


@given(st.lists(TREES | CONDITIONS, min_size=1, max_size=6), VIEWS | ACTIONS)
@settings(max_examples=400, deadline=None)
def test_the_compiled_form_holds_exactly_where_the_trees_hold(conditions: list[Any], view: Any) -> None:
    trees = [tree(each) for each in conditions]
    held: list[int] = []
    doubted: list[int] = []
    compiled(trees)(view, held.append, doubted.append)
    wanted, faults = plainly(trees, view)
    assert set(held) - set(doubted) == wanted - set(doubted)
    assert faults <= set(doubted)
    assert wanted <= set(held) | set(doubted)


SCOPES = st.sampled_from(
    ["global", {"mission": ["m-1"]}, {"mission": [1, "m-1"]}, {"agent": ["a-1", "a-2"], "mission": ["m-1"]},
     {"capability": ["python"]}, {"task": ["t-9"]}]
)  # fmt: skip
WINDOWS = st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)])
TYPED = st.sampled_from(
    [{"action_type": "shell"}, {"action_type": "deploy"}, {"action_type": {"startswith": "sh"}}, {"match_all": True},
     {"not": {"action_type": "shell"}}]
)  # fmt: skip


@st.composite
def rules(draw: Any) -> Rule:
    conditions = draw(TYPED)
    if "match_all" not in conditions and draw(st.booleans()):
        conditions = {"all": [conditions, draw(TREES)]}
    node, types = read(conditions, REGISTRY)
    key = draw(st.text("abc", min_size=1, max_size=3))
    return Rule(
        policy=draw(st.integers(1, 1000)),
        key=key,
        revision=1,
        outcome=draw(st.sampled_from([Outcome.BLOCK, Outcome.ESCALATE, Outcome.WARN])),
        message=key,
        tree=node,
        types=types,
        mode=draw(st.sampled_from(list(Mode))),
        on_error=draw(st.sampled_from(list(OnError))),
        scope=drafts.scope_of(draw(SCOPES)),
        require=draw(st.sampled_from([(), (), (("custom", "a"),)])),
        priority=draw(st.integers(-1, 1)),
        valid_from=draw(WINDOWS),
        valid_until=draw(WINDOWS),
        broken=draw(st.sampled_from(["", "", "", "it cannot be read"])),
    )


def filed(given: list[Rule], action_type: str) -> Filed:
    typed = [rule for rule in given if rule.types is not None and action_type in rule.types]
    return Filed((Shelf(typed, action_type), Shelf([rule for rule in given if rule.types is None])))


@given(st.lists(rules(), max_size=8), VIEWS, st.sampled_from(["shell", "deploy", "spend"]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_filed_rules_find_what_the_same_rules_in_a_list_find(
    given: list[Rule], view: Any, action_type: str, known: bool
) -> None:
    subjects = Subjects(mission=Ref(1, "m-1"), agent=Ref(2, "a-2"), capabilities=("python",)) if known else Subjects()
    facts = Facts(
        point="agent_action",
        action={"action_type": action_type, **view},
        subjects=subjects,
        actor_kind="agent",
        actor_name="a",
        at=NOW,
    )
    plain, compact = engine.judge(facts, given), engine.judge(facts, filed(given, action_type))
    assert compact.outcome == plain.outcome
    assert sorted(map(repr, compact.findings)) == sorted(map(repr, plain.findings))
    assert sorted(repr(each.as_data()) for each in compact.findings) == sorted(
        repr(each.as_data()) for each in plain.findings
    )


def test_what_a_policy_says_never_becomes_text_of_a_program() -> None:
    evil = "'); held(0); __import__('os'); ('"
    for op in ("eq", "contains", "startswith", "endswith", "matches", "glob"):
        node = tree({"custom.x": {op: evil if op != "matches" else "\\Q" + evil}})
        held: list[int] = []
        compiled([node])({"custom": {"x": "other"}}, held.append, held.append)
        assert held == []
    node = tree({"path": ["custom", "a\nb'\"{}", evil], "eq": evil})
    held = []
    compiled([node])({"custom": {"a\nb'\"{}": {evil: evil}}}, held.append, held.append)
    assert held == [0]


def test_every_operator_is_tried_above() -> None:
    assert set(OPERATORS) == {
        "eq", "ne", "in", "not_in", "contains_any", "contains_all", "gt", "gte", "lt", "lte", "between", "contains",
        "not_contains", "startswith", "endswith", "under_path", "glob", "matches", "before", "after", "during",
        "exists", "empty", "size_gt", "size_lt",
    }  # fmt: skip
