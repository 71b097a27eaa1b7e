"""Many conditions as one Python function: which of them hold for a view, and of which the tree must be asked.

The function's text is made of names alone; what a policy says stands beside it as values, never in the text. It gives
exactly what the trees give: where a test cannot answer, the condition is in doubt and its tree decides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.conditions.attributes import TYPE, is_number
from policies.conditions.operators import Answer, Fault
from policies.conditions.tree import MISSING, All, Expression, Leaf, Node, Not, Some, reach

Told = Callable[[int], None]
Sieve = Callable[[Mapping[str, Any], Told, Told], None]
"""Calls the first with the number of each condition that holds, and the second with that of each in doubt."""

ORDERS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPPOSITES = {"ne": "eq", "not_in": "in", "not_contains": "contains"}
NEVER_FAULTS = frozenset(
    {"eq", "ne", "in", "not_in", "contains", "not_contains", "contains_any", "contains_all", "startswith", "endswith",
     "exists", "empty"}
)  # fmt: skip
INSTANTS = frozenset({"money", "time"})
"""Kinds whose equality is more than that of their text."""


def compiled(trees: Iterable[Node], action_type: str | None = None) -> Sieve:
    """The trees as one function, for views of that action type (None: of any). They are numbered from 0."""
    writer = Writer(action_type)
    lines = [f"    if {writer.node(tree, number)}: held({number})" for number, tree in enumerate(trees)]
    source = "\n".join(["def sieve(view, held, doubt):", *writer.loads(), *lines, "    return None"])
    exec(compile(source, "<policies>", "exec"), writer.values)
    sieve: Sieve = writer.values["sieve"]
    return sieve


def sure(answer: Answer, number: int, doubt: Told) -> bool:
    """The answer; a fault is told as a doubt about the condition of that number."""
    if isinstance(answer, Fault):
        doubt(number)
        return False
    return answer


@dataclass
class Writer:
    """The text so far: the paths that it loads, and the values that it names."""

    action_type: str | None
    values: dict[str, Any] = field(default_factory=lambda: {"M": MISSING, "reach": reach, "sure": sure})
    paths: dict[tuple[str, ...], str] = field(default_factory=dict)

    def node(self, node: Node, number: int) -> str:
        if isinstance(node, Not):
            return f"(not {self.node(node.part, number)})"
        if isinstance(node, All):
            return self.joined(" and ", node.parts, number) or "True"
        if isinstance(node, Some):
            return self.joined(" or ", node.parts, number) or "False"
        if isinstance(node, Expression):
            return f"sure({self.name(node.holds)}(view), {number}, doubt)"
        if node.path == (TYPE,) and self.action_type is not None:
            return str(node.holds({TYPE: self.action_type}) is True)
        return self.leaf(node, self.local(node.path), number)

    def joined(self, word: str, parts: Iterable[Node], number: int) -> str:
        """What is always true of an `and` is left out."""
        written = [self.node(part, number) for part in parts]
        kept = [each for each in written if each != "True" or word != " and "]
        return f"({word.join(kept)})" if kept else "True" if written else ""

    def leaf(self, leaf: Leaf, value: str, number: int) -> str:
        """One test of what the name `value` holds: in place for the usual kinds, else by the leaf itself."""
        if leaf.inner:
            return self.of_items(leaf, value, number)
        write = WRITTEN.get(OPPOSITES.get(leaf.op, leaf.op))
        written = write(self, leaf, value, number) if write is not None else None
        if written is None:
            return self.asked(leaf, value, number)
        return f"(not ({written}))" if leaf.op in OPPOSITES else written

    def asked(self, leaf: Leaf, value: str, number: int) -> str:
        call = f"{self.name(leaf.of)}({value})"
        return call if leaf.op in NEVER_FAULTS else f"sure({call}, {number}, doubt)"

    def of_items(self, leaf: Leaf, value: str, number: int) -> str:
        item = f"x{len(self.values)}"
        inner = " and ".join(self.leaf(each, item, number) for each in leaf.inner)
        word = "all" if leaf.op == "every" else "any"
        found = f"({value}.__class__ is list and {word}([{inner} for {item} in {value}]))"
        return f"(not {found})" if leaf.op == "none" else found

    def name(self, value: Any) -> str:
        name = f"c{len(self.values)}"
        self.values[name] = value
        return name

    def local(self, path: tuple[str, ...]) -> str:
        return self.paths.setdefault(path, f"v{len(self.paths)}")

    def loads(self) -> list[str]:
        return [
            f"    {local} = view.get({self.name(path[0])}, M)"
            if len(path) == 1
            else f"    {local} = reach(view, {self.name(path)})"
            for path, local in self.paths.items()
        ]


def _eq(writer: Writer, leaf: Leaf, value: str, number: int) -> str | None:
    operand = leaf.operand
    if operand is None or isinstance(operand, bool):
        return f"{value} is {operand}"
    if leaf.kind in INSTANTS:
        return None
    named = writer.name(operand)
    if isinstance(operand, str):
        return f"{value} == {named}"
    return f"(({value}.__class__ is int or {value}.__class__ is float) and {value} == {named})"


def _in(writer: Writer, leaf: Leaf, value: str, number: int) -> str | None:
    if leaf.kind in INSTANTS or not all(isinstance(each, str) for each in leaf.operand):
        return None
    return f"({value}.__class__ is str and {value} in {writer.name(frozenset(leaf.operand))})"


def _contains(writer: Writer, leaf: Leaf, value: str, number: int) -> str | None:
    if not isinstance(leaf.operand, str):
        return None
    return f"(({value}.__class__ is str or {value}.__class__ is list) and {writer.name(leaf.operand)} in {value})"


def _affix(writer: Writer, leaf: Leaf, value: str, number: int) -> str:
    return f"({value}.__class__ is str and {value}.{leaf.op}({writer.name(leaf.operand)}))"


def _order(writer: Writer, leaf: Leaf, value: str, number: int) -> str | None:
    if not is_number(leaf.operand):
        return None
    held = f"{value} {ORDERS[leaf.op]} {writer.name(leaf.operand)}"
    return f"({held} if {value}.__class__ is int else {writer.asked(leaf, value, number)})"


def _between(writer: Writer, leaf: Leaf, value: str, number: int) -> str | None:
    if not all(is_number(each) for each in leaf.operand):
        return None
    low, high = (writer.name(each) for each in leaf.operand)
    return f"({low} <= {value} <= {high} if {value}.__class__ is int else {writer.asked(leaf, value, number)})"


def _exists(writer: Writer, leaf: Leaf, value: str, number: int) -> str:
    return f"{value} is {'not ' if leaf.operand else ''}M"


WRITTEN: dict[str, Callable[[Writer, Leaf, str, int], str | None]] = {
    "eq": _eq, "in": _in, "contains": _contains, "startswith": _affix, "endswith": _affix, "gt": _order, "gte": _order,
    "lt": _order, "lte": _order, "between": _between, "exists": _exists,
}  # fmt: skip
"""Tests that are written in place; None where the operand's kind has no such form."""
