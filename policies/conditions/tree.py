"""What a condition is once it is read: a tree of tests, evaluated with two truth values and faults.

A fault spreads only where it matters: `any` with something true is true, `all` with something false is false, and
`not` of a fault is a fault. So the order of the parts never changes the answer. Pure, and never raises.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.conditions.attributes import is_index
from policies.conditions.measures import measure, measures_in
from policies.conditions.operators import OPERATORS, Answer, Fault, Test

LONGEST_SHOWN = 200


class Missing:
    """Nothing is at this path."""


MISSING = Missing()


def reach(view: Any, path: tuple[str, ...]) -> Any:
    """What is at the path: members of objects by name, items of lists by number."""
    for part in path:
        if isinstance(view, Mapping) and part in view:
            view = view[part]
        elif isinstance(view, list) and is_index(part) and int(part) < len(view):
            view = view[int(part)]
        else:
            return MISSING
    return view


@dataclass(frozen=True)
class Leaf:
    """One operator on what is at one path; `inner` are the tests of each item, for `any`, `every` and `none`."""

    path: tuple[str, ...]
    op: str
    operand: Any
    kind: str = "any"
    inner: tuple["Leaf", ...] = ()
    test: Test = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        made = OF_ITEMS[self.op](self.inner) if self.inner else OPERATORS[self.op].make(self.operand, self.kind)
        object.__setattr__(self, "test", made)

    @property
    def when_missing(self) -> bool:
        if self.op == "exists":
            return self.operand is False
        return self.op == "none" if self.inner else OPERATORS[self.op].negative

    def holds(self, view: Any) -> Answer:
        return self.of(reach(view, self.path))

    def of(self, value: Any) -> Answer:
        """The same of what is at the path, or of MISSING."""
        if value is MISSING:
            return self.when_missing
        answer = self.test(value)
        return Fault(f"{self.name}: {answer.reason}") if isinstance(answer, Fault) else answer

    def leaves(self) -> Iterator["Leaf"]:
        yield self

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def told(self, view: Any) -> dict[str, Any]:
        """For a person: what was expected, and what was there."""
        value, answer = reach(view, self.path), self.holds(view)
        shown = {} if value is MISSING else {"actual": _short(value)}
        held = {"error": answer.reason} if isinstance(answer, Fault) else {"holds": answer}
        return {"path": self.name, "op": self.op, "expected": self.operand, **shown, **held}


@dataclass(frozen=True)
class Expression:
    """A CEL expression over the attributes; `test` is what it was compiled to."""

    source: str
    test: Test = field(compare=False, repr=False)
    path: tuple[str, ...] = ()
    op: str = "cel"

    def holds(self, view: Any) -> Answer:
        answer = self.test(view)
        return Fault(f"expression: {answer.reason}") if isinstance(answer, Fault) else answer

    def leaves(self) -> Iterator["Expression"]:
        yield self

    def told(self, view: Any) -> dict[str, Any]:
        """For a person: the expression, and whether it held."""
        answer = self.holds(view)
        held = {"error": answer.reason} if isinstance(answer, Fault) else {"holds": answer}
        return {"path": "expression", "op": self.op, "expected": self.source, **held}


@dataclass(frozen=True)
class All:
    parts: tuple["Node", ...]

    def holds(self, view: Any) -> Answer:
        return every(part.holds(view) for part in self.parts)

    def leaves(self) -> Iterator["Leaf | Expression"]:
        return (leaf for part in self.parts for leaf in part.leaves())


@dataclass(frozen=True)
class Some:
    parts: tuple["Node", ...]

    def holds(self, view: Any) -> Answer:
        return some(part.holds(view) for part in self.parts)

    def leaves(self) -> Iterator["Leaf | Expression"]:
        return (leaf for part in self.parts for leaf in part.leaves())


@dataclass(frozen=True)
class Not:
    part: "Node"

    def holds(self, view: Any) -> Answer:
        return opposite(self.part.holds(view))

    def leaves(self) -> Iterator["Leaf | Expression"]:
        return self.part.leaves()


Node = Leaf | Expression | All | Some | Not


def measures_of(tree: Node, require: Iterable[tuple[str, ...]] = ()) -> frozenset[str]:
    """The counts and costs that the conditions and the required paths name."""
    leaves = list(tree.leaves())
    names = {".".join(path) for path in (*require, *(leaf.path for leaf in leaves))}
    written = (measures_in(leaf.source) for leaf in leaves if isinstance(leaf, Expression))
    return frozenset(name for name in names if measure(name) is not None).union(*written)


def every(answers: Iterable[Answer]) -> Answer:
    fault: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if isinstance(answer, Fault) and fault is True:
            fault = answer
    return fault


def some(answers: Iterable[Answer]) -> Answer:
    fault: Answer = False
    for answer in answers:
        if answer is True:
            return True
        if isinstance(answer, Fault) and fault is False:
            fault = answer
    return fault


def opposite(answer: Answer) -> Answer:
    return answer if isinstance(answer, Fault) else not answer


def _some_items(inner: tuple[Leaf, ...]) -> Test:
    whole = All(inner)
    return lambda value: isinstance(value, list) and some(whole.holds(item) for item in value)


def _every_item(inner: tuple[Leaf, ...]) -> Test:
    whole = All(inner)
    return lambda value: isinstance(value, list) and every(whole.holds(item) for item in value)


def _no_item(inner: tuple[Leaf, ...]) -> Test:
    found = _some_items(inner)
    return lambda value: opposite(found(value))


OF_ITEMS = {"any": _some_items, "every": _every_item, "none": _no_item}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return value
