"""The language of conditions: closed, two-valued, and refused as a whole when a part of it does not read."""

from typing import Any

import pytest

from policies.conditions import Fault, Registry, Unreadable, read

REGISTRY = Registry({"drone_flight": {"altitude_m": "number", "over_people": "flag"}})
ANY = "custom.x"


def holds(conditions: Any, action: Any) -> Any:
    return read(conditions, REGISTRY)[0].holds(action)


def mistakes(conditions: Any) -> dict[str, str]:
    with pytest.raises(Unreadable) as refused:
        read(conditions, REGISTRY)
    return refused.value.mistakes


def of(value: Any) -> dict[str, Any]:
    return {"custom": {"x": value}}


NOTHING: dict[str, Any] = {"custom": {}}


@pytest.mark.parametrize(
    ("op", "operand", "true_of", "false_of"),
    [
        ("eq", 1, [1, 1.0], [True, "1", None, [1], 2]),
        ("eq", True, [True], [1, "true", None]),
        ("eq", None, [None], [0, "", False, []]),
        ("eq", "a", ["a"], ["A", ["a"], None]),
        ("ne", 1, [True, "1", None, 2], [1, 1.0]),
        ("in", ["main", 1], ["main", 1.0], [True, "1", None]),
        ("not_in", ["main", 1], [True, None, "dev"], ["main", 1]),
        ("gt", 5, [6, 5.5], [5, -1]),
        ("gte", 5, [5, 5.0], [4.9]),
        ("lt", 5, [4], [5]),
        ("lte", 5, [5], [6]),
        ("between", [1, 3], [1, 2.5, 3], [0.9, 4]),
        ("contains", "rm", ["rm -rf", ["rm", "x"]], ["ls", ["rm -rf"], 5, None]),
        ("contains", 1, [[1], [1.0]], [[True], "1"]),
        ("not_contains", "rm", ["ls", 5, None], ["rm", ["rm"]]),
        ("contains_any", ["a", "b"], ["xb", ["b"]], ["x", []]),
        ("contains_all", ["a", "b"], ["ab", ["b", "a"]], ["a", ["a"]]),
        ("startswith", "git ", ["git push"], ["Git push", ["git "], 5]),
        ("endswith", ".env", ["a/.env"], [".env.x"]),
        ("glob", "rm *", ["rm -rf /etc"], ["xrm -rf"]),
        ("glob", "v?.[0-9]", ["v1.2"], ["v10.2", "v1.x"]),
        ("glob", "a[!b]c\\", ["axc\\"], ["abc\\", "axc"]),
        ("under_path", "/etc", ["/etc", "/etc/passwd", "/tmp/../etc/x", "//etc/./x"], ["/etcetera", "etc/x", 5]),
        ("under_path", "src", ["src/a", "./src/a", "x/../src"], ["/src", "srcs/a"]),
        ("matches", "^git push.*--force", ["git push -u --force"], ["push --force"]),
        ("before", "2026-01-01T00:00:00Z", ["2025-12-31T23:59:59+00:00"], ["2026-01-01T01:00:00+01:00"]),
        ("after", "2026-01-01T00:00:00Z", ["2026-01-01T00:00:01Z"], ["2026-01-01T00:00:00Z"]),
        ("exists", True, [None, 0, ""], []),
        ("exists", False, [], [None, 0]),
        ("empty", True, ["", [], {}, None], [0, False, "a", [0]]),
        ("empty", False, ["a", [0], 0], ["", None]),
        ("size_gt", 2, ["abc", [1, 2, 3]], ["ab", {}]),
        ("size_lt", 2, ["a", [], {"a": 1}], ["ab"]),
        ("any", {"startswith": "/etc"}, [["/x", "/etc/a"]], [["/x"], [], "/etc/a", 5]),
        ("any", "a", [["b", "a"]], [["b"]]),
        ("every", {"gt": 1, "lt": 5}, [[2, 3], []], [[2, 9]]),
        ("none", {"eq": "a"}, [["b"], [], "a"], [["a"]]),
    ],
)
def test_each_operator_says_exactly_what_it_promises(
    op: str, operand: Any, true_of: list[Any], false_of: list[Any]
) -> None:
    for value in true_of:
        assert holds({ANY: {op: operand}}, of(value)) is True, value
    for value in false_of:
        assert holds({ANY: {op: operand}}, of(value)) is False, value


@pytest.mark.parametrize(
    ("op", "operand", "when_missing"),
    [
        ("eq", None, False),
        ("ne", 1, True),
        ("in", [1], False),
        ("not_in", [1], True),
        ("gt", 1, False),
        ("contains", "a", False),
        ("not_contains", "a", True),
        ("matches", "a", False),
        ("exists", True, False),
        ("exists", False, True),
        ("empty", True, False),
        ("empty", False, False),
        ("any", "a", False),
        ("every", "a", False),
        ("none", "a", True),
    ],
)
def test_what_is_missing_fails_positive_operators_and_passes_negative_ones(
    op: str, operand: Any, when_missing: bool
) -> None:
    assert holds({ANY: {op: operand}}, NOTHING) is when_missing
    assert holds({"not": {ANY: {op: operand}}}, NOTHING) is not when_missing


@pytest.mark.parametrize(
    ("op", "operand", "value"),
    [
        ("gt", 5, "6"),
        ("lt", 5, True),
        ("between", [1, 2], None),
        ("before", "2026-01-01T00:00:00Z", "yesterday"),
        ("after", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00"),
        ("size_gt", 1, 5),
        ("under_path", "src", "../../etc/passwd"),
        ("any", {"gt": 1}, ["x"]),
    ],
)
def test_a_wrong_type_under_an_ordering_is_an_error_and_no_silent_no(op: str, operand: Any, value: Any) -> None:
    assert isinstance(holds({ANY: {op: operand}}, of(value)), Fault)
    assert isinstance(holds({"not": {ANY: {op: operand}}}, of(value)), Fault)


def test_an_error_counts_only_where_it_decides() -> None:
    broken, true, false = {"custom.a": {"gt": 1}}, {"custom.b": 1}, {"custom.b": 2}
    action = {"custom": {"a": "x", "b": 1}}
    assert holds({"any": [broken, true]}, action) is True
    assert holds({"any": [true, broken]}, action) is True
    assert holds({"all": [broken, false]}, action) is False
    assert holds({"all": [false, broken]}, action) is False
    assert isinstance(holds({"any": [broken, false]}, action), Fault)
    assert isinstance(holds({"all": [true, broken]}, action), Fault)


def test_every_line_and_every_operator_of_a_line_must_hold() -> None:
    conditions = {"action_type": "git_push", "commits": {"gt": 1, "lt": 5}, "not": {"branch": "dev"}}
    assert holds(conditions, {"action_type": "git_push", "commits": 3, "branch": "main"}) is True
    assert holds(conditions, {"action_type": "git_push", "commits": 7, "branch": "main"}) is False
    assert holds(conditions, {"action_type": "git_push", "commits": 3, "branch": "dev"}) is False


def test_paths_go_into_objects_and_lists_and_a_listed_path_holds_dots() -> None:
    action = {"custom": {"list": [{"name": "a"}], "a.b": 1}}
    assert holds({"custom.list.0.name": "a"}, action) is True
    assert holds({"custom.list.1.name": {"exists": True}}, action) is False
    assert holds({"path": ["custom", "a.b"], "eq": 1}, action) is True
    assert holds({"custom.a.b": {"exists": True}}, action) is False


def test_matching_everything_is_said_on_purpose() -> None:
    assert holds({"match_all": True}, {}) is True
    assert "match_all" in mistakes({})[""]
    assert mistakes({"match_all": False})
    assert mistakes({"match_all": True, "action_type": "shell"})


@pytest.mark.parametrize(
    ("conditions", "at", "told"),
    [
        ({"action_type": "git_push", "forced": True}, "/forced", "Did you mean 'force'?"),
        ({"action_type": "git_psh"}, "/action_type", "Did you mean 'git_push'?"),
        ({"action_type": {"in": ["shell", "git_pus"]}}, "/action_type/in", "Did you mean 'git_push'?"),
        ({"action_type": "shell", "branch": "main"}, "/branch", "There is no attribute 'branch' of shell"),
        ({"action_type": "git_push", "force": "true"}, "/force", "true or false"),
        ({"action_type": "git_push", "force": 1}, "/force", "true or false"),
        ({"action_type": "git_push", "force": {"startswith": "t"}}, "/force/startswith", "does not fit"),
        ({"action_type": "git_push", "commits": {"gt": "5"}}, "/commits/gt", "a number"),
        ({"action_type": "git_push", "branch": {"startwith": "m"}}, "/branch/startwith", "Did you mean 'startswith'?"),
        ({"action_type": "git_push", "branch": {}}, "/branch", "Name an operator"),
        ({"action_type": "git_push", "branch": ["main"]}, "/branch", "one plain value"),
        ({"action_type": "git_push", "branch": {"in": []}}, "/branch/in", "at least one"),
        ({"action_type": "shell", "command": {"matches": "("}}, "/command/matches", "not a pattern of RE2"),
        ({"action_type": "shell", "command": {"matches": "a" * 1001}}, "/command/matches", "1000"),
        ({"action_type": "file_write", "path": {"under_path": "/a/../b"}}, "/path/under_path", ".."),
        ({"custom.x": {"between": [3, 1]}}, "/custom.x/between", "lowest"),
        ({"custom.x": {"before": "2026-01-01"}}, "/custom.x/before", "zone"),
        ({"custom.x": float("nan")}, "/custom.x", "2^53"),
        ({"custom.x": 2**53}, "/custom.x", "2^53"),
        ({"custom.x": {"any": {"any": 1}}}, "/custom.x/any/any", "items of items"),
        ({"any": []}, "/any", "list"),
        ({"any": [{"custom.x": 1}, {}]}, "/any/1", "at least one condition"),
        ({"not": []}, "/not", "object"),
        ({"custom..x": 1}, "/custom..x", "dots"),
        ({"a/b~c": 1}, "/a~1b~0c", "no attribute"),
        ({"path": [], "eq": 1}, "/path", "list of names"),
        ({"path": ["custom", "x"]}, "", "operator"),
        ([], "", "object"),
        ("git_push", "", "object"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_nearby_name(conditions: Any, at: str, told: str) -> None:
    found = mistakes(conditions)
    assert at in found
    assert told in found[at]


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes({"action_type": "git_push", "forced": True, "branch": {"startwith": "x"}})
    assert set(found) == {"/forced", "/branch/startwith"}


def nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {ANY: 1}
    for _ in range(levels):
        found = {"not": found}
    return found


def test_depth_length_and_size_have_limits() -> None:
    assert holds(nested(14), of(1)) is True
    assert "16" in next(iter(mistakes(nested(16)).values()))
    assert mistakes(nested(5000))
    assert mistakes({"any": [{ANY: number} for number in range(201)]})
    assert mistakes({ANY: {"in": ["x" * 1000] * 20}})


def test_an_expression_that_ruins_backtracking_engines_is_answered_at_once() -> None:
    assert holds({"action_type": "shell", "command": {"matches": "(a+)+$"}}, {"action_type": "shell"}) is False
    bomb = {"action_type": "shell", "command": "a" * 200_000 + "!"}
    assert holds({"action_type": "shell", "command": {"matches": "(a+)+$"}}, bomb) is False
