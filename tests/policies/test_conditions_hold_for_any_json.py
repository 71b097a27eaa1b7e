"""Properties of the language, over any JSON: it never raises, `not` is the exact complement, order changes nothing."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.conditions import Fault, Registry, Unreadable, misfits, read
from policies.conditions.attributes import BY_TYPE
from policies.conditions.operators import OPERATORS
from policies.conditions.tree import Not

REGISTRY = Registry()
NAMES = st.sampled_from(["custom.a", "custom.b", "custom.a.0", "custom.c.d"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.sampled_from(["a", "b", ""])
JSON = st.recursive(
    SCALARS | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
WORDS = st.sampled_from(
    [
        *OPERATORS,
        "any",
        "every",
        "none",
        "all",
        "not",
        "path",
        "match_all",
        "action_type",
        "custom.a",
        "force",
        *BY_TYPE,
    ]
)
ALMOST = st.recursive(
    SCALARS | st.text(max_size=3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=3),
    max_leaves=15,
)
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-06-01T00:00:00+02:00"])
TESTS = st.one_of(
    SCALARS,
    st.fixed_dictionaries({"ne": SCALARS}, optional={"exists": st.booleans()}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"gt": st.integers(-3, 3)}),
    st.fixed_dictionaries({"between": st.just([-1, 2])}),
    st.fixed_dictionaries({"in": st.lists(SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"contains": st.sampled_from(["a", 1])}),
    st.fixed_dictionaries({"before": TIMES}),
    st.fixed_dictionaries({"size_lt": st.integers(1, 3)}),
    st.fixed_dictionaries({"under_path": st.just("a")}),
    st.fixed_dictionaries({"glob": st.just("a*")}),
    st.fixed_dictionaries({"any": SCALARS}),
    st.fixed_dictionaries({"none": st.fixed_dictionaries({"gt": st.integers(-3, 3)})}),
    st.fixed_dictionaries({"every": st.fixed_dictionaries({"size_gt": st.integers(0, 3)})}),
)
LINES = st.dictionaries(NAMES, TESTS, min_size=1, max_size=2)
CONDITIONS = st.recursive(
    LINES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)
ACTIONS = st.fixed_dictionaries(
    {}, optional={"custom": st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=3)}
)


def tree(conditions: Any) -> Any:
    return read(conditions, REGISTRY)[0]


def read_or_refused(raw: Any) -> Any:
    try:
        return tree(raw)
    except Unreadable as refused:
        return refused


@given(JSON | ALMOST, JSON)
@settings(max_examples=250, deadline=None)
def test_reading_any_json_gives_a_tree_or_its_mistakes_and_judging_never_raises(raw: Any, action: Any) -> None:
    found = read_or_refused(raw)
    if isinstance(found, Unreadable):
        assert found.mistakes
    else:
        assert isinstance(found.holds(action), (bool, Fault))


@given(CONDITIONS, ACTIONS | JSON)
@settings(max_examples=250, deadline=None)
def test_not_is_the_exact_complement(conditions: Any, action: Any) -> None:
    plain, denied = tree(conditions).holds(action), tree({"not": conditions}).holds(action)
    if isinstance(plain, Fault):
        assert denied == plain
    else:
        assert denied is not plain
    assert Not(Not(tree(conditions))).holds(action) == plain


@given(st.lists(CONDITIONS, min_size=2, max_size=4), ACTIONS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_parts_never_changes_the_answer(parts: list[Any], action: Any, shuffler: Any) -> None:
    other = list(parts)
    shuffler.shuffle(other)
    for word in ("all", "any"):
        first, second = tree({word: parts}).holds(action), tree({word: other}).holds(action)
        assert type(first) is type(second)
        assert isinstance(first, Fault) or first is second


@given(st.lists(CONDITIONS, min_size=1, max_size=3), ACTIONS)
@settings(max_examples=150, deadline=None)
def test_not_any_is_all_not(parts: list[Any], action: Any) -> None:
    first = tree({"not": {"any": parts}}).holds(action)
    second = tree({"all": [{"not": part} for part in parts]}).holds(action)
    assert isinstance(first, Fault) is isinstance(second, Fault)
    assert isinstance(first, Fault) or first is second


@given(CONDITIONS, ACTIONS)
@settings(max_examples=100, deadline=None)
def test_the_same_conditions_and_action_give_the_same_answer_and_words(conditions: Any, action: Any) -> None:
    first, second = tree(conditions), tree(conditions)
    assert first.holds(action) == second.holds(action)
    told = [[leaf.told(action) for leaf in each.leaves()] for each in (first, second)]
    assert repr(told[0]) == repr(told[1])


@given(st.dictionaries(WORDS | st.text(max_size=5), JSON, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_object_is_an_action_or_is_told_what_does_not_fit(action: Any) -> None:
    found = misfits(action, REGISTRY)
    assert all(isinstance(text, str) for text in found.values())
