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
JOINED = {"eq": "\0{}\0", "startswith": "\0{}", "endswith": "{}\0", "contains": "{}"}
"""How a test of an item looks in the text of all items."""
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


def joined(value: Any) -> str:
    """The texts in a list as one text, each between two NUL; empty of anything else."""
    if value.__class__ is not list or not value:
        return ""
    try:
        text, count = "\0".join(value), len(value)
    except TypeError:
        return joined([each for each in value if each.__class__ is str])
    if text.count("\0") >= count:
        text = "\0".join([each.replace("\0", "\1") for each in value])
    return f"\0{text}\0"


def _is_plain(operand: Any) -> bool:
    """Text that can only be found inside one item."""
    return isinstance(operand, str) and operand != "" and "\0" not in operand and "\1" not in operand


@dataclass
class Writer:
    """The text so far: the paths that it loads, and the values that it names."""

    action_type: str | None
    values: dict[str, Any] = field(
        default_factory=lambda: {"M": MISSING, "reach": reach, "sure": sure, "joined": joined}
    )
    paths: dict[tuple[str, ...], str] = field(default_factory=dict)
    formed: dict[str, str] = field(default_factory=dict)

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
        found = self.in_joined(leaf, value) or self.in_turn(leaf, value, number)
        return f"(not {found})" if leaf.op == "none" else found

    def in_joined(self, leaf: Leaf, value: str) -> str | None:
        """One test of text, of any item: looked for in all items at once."""
        test = leaf.inner[0]
        form = JOINED.get(test.op)
        if leaf.op == "every" or len(leaf.inner) > 1 or form is None or not _is_plain(test.operand):
            return None
        return f"({self.name(form.format(test.operand))} in {self.form('joined', value)})"

    def in_turn(self, leaf: Leaf, value: str, number: int) -> str:
        item = f"x{len(self.values)}"
        inner = " and ".join(self.leaf(each, item, number) for each in leaf.inner)
        word = "all" if leaf.op == "every" else "any"
        return f"({value}.__class__ is list and {word}([{inner} for {item} in {value}]))"

    def name(self, value: Any) -> str:
        name = f"c{len(self.values)}"
        self.values[name] = value
        return name

    def local(self, path: tuple[str, ...]) -> str:
        return self.paths.setdefault(path, f"v{len(self.paths)}")

    def form(self, form: str, value: str) -> str:
        """A form of what a path holds, made once; an item has it made in place."""
        made = f"({value} if {value}.__class__ is str else '')" if form == "text" else f"{form}({value})"
        return self.formed.setdefault(made, f"f{len(self.formed)}") if value in self.paths.values() else made

    def loads(self) -> list[str]:
        loaded = [
            f"    {local} = view.get({self.name(path[0])}, M)"
            if len(path) == 1
            else f"    {local} = reach(view, {self.name(path)})"
            for path, local in self.paths.items()
        ]
        return [*loaded, *(f"    {local} = {made}" for made, local in self.formed.items())]


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
    return f"{writer.form('text', value)}.{leaf.op}({writer.name(leaf.operand)})"


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
