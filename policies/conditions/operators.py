"""The operators of conditions: what each takes, and what it says of a value. Pure, and never raises.

A test answers True, False, or a Fault when the value has the wrong type for an ordering.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from policies.conditions import operands, schedules
from policies.conditions.values import amount, glob, moment, pattern, plain_path, same


@dataclass(frozen=True)
class Fault:
    """Why a value cannot be judged."""

    reason: str


Answer = bool | Fault
Test = Callable[[Any], Answer]

ANY = frozenset({"text", "time", "number", "flag", "money", "texts", "list", "object", "group", "any"})
PLAIN = frozenset({"text", "time", "number", "flag", "money", "any"})
TEXT = frozenset({"text", "time", "any"})
NUMBER = frozenset({"number", "money", "any"})
MOMENT = frozenset({"time", "any"})
SIZED = frozenset({"text", "time", "texts", "list", "object", "any"})
HOLDER = frozenset({"text", "time", "texts", "list", "any"})


@dataclass(frozen=True)
class Operator:
    """`check` says what is wrong with an operand, `make` builds the test; both are told the attribute's kind.

    `negative` operators are true of what is missing; `kinds` are the kinds of attribute that it fits.
    """

    check: Callable[[Any, str], str | None]
    make: Callable[[Any, str], Test]
    kinds: frozenset[str] = field(default=ANY)
    negative: bool = False


def _eq(operand: Any, kind: str) -> Test:
    """Amounts are equal as amounts and times as moments, however they are written."""
    if kind == "money" and amount(operand) is not None:
        wanted = amount(operand)
        return lambda value: amount(value) == wanted
    if kind == "time" and operand is not None:
        instant = moment(operand)
        return lambda value: moment(value) == instant
    return lambda value: same(value, operand)


def _in(operand: Any, kind: str) -> Test:
    tests = [_eq(each, kind) for each in operand]
    return lambda value: any(test(value) for test in tests)


def _not(make: Callable[[Any, str], Test]) -> Callable[[Any, str], Test]:
    def negated(operand: Any, kind: str) -> Test:
        test = make(operand, kind)
        return lambda value: not test(value)

    return negated


def _order(holds: Callable[[Any, Any], bool]) -> Callable[[Any, str], Test]:
    def make(operand: Any, kind: str) -> Test:
        wanted = amount(operand)

        def test(value: Any) -> Answer:
            found = amount(value) if kind == "money" or not isinstance(value, str) else None
            return Fault("it is not a number") if found is None else bool(holds(found, wanted))

        return test

    return make


def _between(operand: Any, kind: str) -> Test:
    lowest, highest = amount(operand[0]), amount(operand[1])
    return _order(lambda found, _: lowest <= found <= highest)(operand[0], kind)


def _time(holds: Callable[[Any, Any], bool]) -> Callable[[Any, str], Test]:
    def make(operand: Any, kind: str) -> Test:
        wanted = moment(operand)

        def test(value: Any) -> Answer:
            found = moment(value)
            return Fault("it is not an RFC 3339 time") if found is None else bool(holds(found, wanted))

        return test

    return make


def _during(operand: Any, kind: str) -> Test:
    wanted = schedules.read(operand)

    def test(value: Any) -> Answer:
        found = moment(value)
        return Fault("it is not an RFC 3339 time") if found is None else schedules.holds(wanted, found)

    return test


def _size(holds: Callable[[int, int], bool]) -> Callable[[Any, str], Test]:
    def make(operand: Any, kind: str) -> Test:
        def test(value: Any) -> Answer:
            sized = isinstance(value, (str, list, dict))
            return holds(len(value), operand) if sized else Fault("it has no size")

        return test

    return make


def _has(value: Any, wanted: Any) -> bool:
    """A text within a text, or a plain value in a list."""
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    return isinstance(value, list) and any(same(each, wanted) for each in value)


def _contains(operand: Any, kind: str) -> Test:
    return lambda value: _has(value, operand)


def _contains_any(operand: Any, kind: str) -> Test:
    return lambda value: any(_has(value, each) for each in operand)


def _contains_all(operand: Any, kind: str) -> Test:
    return lambda value: all(_has(value, each) for each in operand)


def _startswith(operand: Any, kind: str) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(operand)


def _endswith(operand: Any, kind: str) -> Test:
    return lambda value: isinstance(value, str) and value.endswith(operand)


def _search(expression: str) -> Test:
    found = pattern(expression)

    def test(value: Any) -> Answer:
        if not isinstance(value, str):
            return False
        try:
            return found.search(value) is not None
        except UnicodeEncodeError:
            return Fault("its text is not Unicode")

    return test


def _under(operand: Any, kind: str) -> Test:
    wanted = plain_path(operand)
    rooted, parts = wanted or (False, ())

    def test(value: Any) -> Answer:
        if not isinstance(value, str):
            return False
        path = plain_path(value)
        if path is None:
            return Fault("its path climbs out of where it starts")
        return path[0] == rooted and path[1][: len(parts)] == parts

    return test


def _empty(operand: Any, kind: str) -> Test:
    return lambda value: (value is None or (isinstance(value, (str, list, dict)) and not value)) is operand


def _exists(operand: Any, kind: str) -> Test:
    """Of a value that is there; `exists: false` is what a missing one makes true."""
    return lambda value: bool(operand)


OPERATORS: dict[str, Operator] = {
    "eq": Operator(operands.scalar, _eq, PLAIN),
    "ne": Operator(operands.scalar, _not(_eq), PLAIN, negative=True),
    "in": Operator(operands.scalars, _in, PLAIN),
    "not_in": Operator(operands.scalars, _not(_in), PLAIN, negative=True),
    "gt": Operator(operands.bound, _order(lambda found, wanted: found > wanted), NUMBER),
    "gte": Operator(operands.bound, _order(lambda found, wanted: found >= wanted), NUMBER),
    "lt": Operator(operands.bound, _order(lambda found, wanted: found < wanted), NUMBER),
    "lte": Operator(operands.bound, _order(lambda found, wanted: found <= wanted), NUMBER),
    "between": Operator(operands.bounds, _between, NUMBER),
    "contains": Operator(operands.item, _contains, HOLDER),
    "not_contains": Operator(operands.item, _not(_contains), HOLDER, negative=True),
    "contains_any": Operator(operands.items, _contains_any, HOLDER),
    "contains_all": Operator(operands.items, _contains_all, HOLDER),
    "startswith": Operator(operands.text, _startswith, TEXT),
    "endswith": Operator(operands.text, _endswith, TEXT),
    "glob": Operator(operands.shell_glob, lambda operand, kind: _search(glob(operand)), TEXT),
    "under_path": Operator(operands.folder, _under, TEXT),
    "matches": Operator(operands.regex, lambda operand, kind: _search(operand), TEXT),
    "before": Operator(operands.time, _time(lambda found, wanted: found < wanted), MOMENT),
    "after": Operator(operands.time, _time(lambda found, wanted: found > wanted), MOMENT),
    "during": Operator(operands.schedule, _during, MOMENT),
    "exists": Operator(operands.truth, _exists, ANY),
    "empty": Operator(operands.truth, _empty, SIZED),
    "size_gt": Operator(operands.size, _size(lambda found, wanted: found > wanted), SIZED),
    "size_lt": Operator(operands.size_above_none, _size(lambda found, wanted: found < wanted), SIZED),
}
