"""Reading conditions: JSON in, a tree of tests out, or every mistake with its place. Pure; never raises anything else.

{"action_type": "git_push", "force": true}                    every line holds
{"branch": {"in": ["main", "master"]}, "commits": {"gt": 5}}  operators
{"any": [{...}, {...}], "not": {...}}                         combinators
{"files": {"any": {"under_path": "/etc"}}}                    some item of a list; also every, none
{"path": ["custom", "a.b"], "eq": 1}                          a name that has a dot in it
{"expression": "commits > 5 || force"}                        CEL, with the extra `cel`
{"match_all": true}                                           every action, said on purpose
"""

import json
from dataclasses import dataclass, field
from typing import Any

from policies.conditions import expressions
from policies.conditions.attributes import TYPE, Registry, nearest
from policies.conditions.narrowing import Types, contradicted, levels, narrowed, never_text, no_type
from policies.conditions.operators import OPERATORS
from policies.conditions.tree import OF_ITEMS, All, Expression, Leaf, Node, Not, Some

DEEPEST = 16
MOST_NODES = 200
LARGEST_BYTES = 16 * 1024
EXPRESSION = "expression"
COMBINATORS = ("all", "any", "not")
TOO_DEEP = f"Nested deeper than {DEEPEST} levels."
OF_WORDS = frozenset({"eq", "ne", "in", "not_in"})


class Unreadable(Exception):
    """The conditions break the language's rules. `mistakes` maps each JSON pointer to its sentence."""

    def __init__(self, mistakes: dict[str, str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(f"{pointer or '/'}: {text}" for pointer, text in mistakes.items()))


@dataclass
class Reader:
    """One reading: the registry it knows, what it has counted, and the mistakes so far."""

    registry: Registry
    nodes: int = 0
    mistakes: dict[str, str] = field(default_factory=dict)

    def wrong(self, at: str, text: str) -> None:
        self.mistakes.setdefault(at, text)

    def node(self, raw: Any, at: str, depth: int, types: Types) -> Node | None:
        """One object of conditions: all of its lines hold."""
        if depth > DEEPEST:
            self.wrong(at, TOO_DEEP)
            return None
        if not isinstance(raw, dict) or not raw:
            self.wrong(at, "This takes an object with at least one condition.")
            return None
        types = narrowed(raw, types)
        if types is not None and not types:
            self.wrong(at, "No action is of all the types that these lines ask for.")
            return None
        if isinstance(raw.get("path"), list):
            return _all(self.listed_path(raw, at, types))
        parts: list[Node | None] = []
        for name, value in raw.items():
            parts += self.line(str(name), value, f"{at}/{escaped(str(name))}", depth, types)
        return _all(parts)

    def line(self, name: str, value: Any, at: str, depth: int, types: Types) -> list[Node | None]:
        if not self.counted(at):
            return []
        if name == "not":
            inner = self.node(value, at, depth + 1, types)
            return [inner and Not(inner)]
        if name == EXPRESSION:
            return [self.expression(value, at, types)]
        if name in COMBINATORS:
            return [self.combined(name, value, at, depth, types)]
        return list(self.tests(tuple(name.split(".")), value, at, types))

    def combined(self, name: str, value: Any, at: str, depth: int, types: Types) -> Node | None:
        if not isinstance(value, list) or not value:
            self.wrong(at, f"`{name}` takes a list of at least one object.")
            return None
        found = [self.node(each, f"{at}/{index}", depth + 1, types) for index, each in enumerate(value)]
        parts = tuple(part for part in found if part is not None)
        return All(parts) if name == "all" else Some(parts)

    def expression(self, source: Any, at: str, types: Types) -> Node | None:
        try:
            return Expression(source, expressions.read(source, self.registry, types))
        except expressions.Refused as refused:
            self.wrong(at, str(refused))
            return None

    def listed_path(self, raw: dict[str, Any], at: str, types: Types) -> list[Node | None]:
        path, ops = raw["path"], {name: value for name, value in raw.items() if name != "path"}
        if not path or not all(isinstance(part, str) and part for part in path):
            self.wrong(f"{at}/path", "A path is a list of names.")
            return []
        if not ops:
            self.wrong(at, "Name an operator beside the path.")
        return list(self.tests(tuple(path), ops, at, types))

    def tests(self, path: tuple[str, ...], value: Any, at: str, types: Types) -> list[Leaf]:
        """The tests of one path: a plain value is `eq`, an object is operators."""
        kind = self.kind(path, at, types)
        if kind is None:
            return []
        ops = value if isinstance(value, dict) else {"eq": value}
        if not ops:
            self.wrong(at, "Name an operator.")
        found: list[Leaf] = []
        for op, each in ops.items():
            below = at if ops is not value else f"{at}/{escaped(str(op))}"
            self.known_words(path, str(op), each, below, types)
            found += self.test(path, str(op), each, kind, below)
        self.possible(path, found, at)
        return found

    def test(self, path: tuple[str, ...], op: str, operand: Any, kind: str, at: str) -> list[Leaf]:
        if not self.counted(at):
            return []
        if op in OF_ITEMS:
            return self.of_items(path, op, operand, kind, at)
        if op not in OPERATORS:
            like = nearest(op, [*OPERATORS, *OF_ITEMS])
            self.wrong(at, f"There is no operator {op[:50]!r}.{_did_you_mean(like)}")
        elif kind not in OPERATORS[op].kinds:
            self.wrong(at, f"`{op}` does not fit {'.'.join(path)[:100]}, which is of the kind {kind}.")
        elif problem := OPERATORS[op].check(operand, kind):
            self.wrong(at, f"`{op}`: {problem}.")
        else:
            return [Leaf(path, op, operand, kind)]
        return []

    def of_items(self, path: tuple[str, ...], op: str, operand: Any, kind: str, at: str) -> list[Leaf]:
        """Each item is tested by itself; items have no items."""
        if kind not in {"list", "texts", "any"}:
            self.wrong(at, f"`{op}` looks at the items of a list; {'.'.join(path)[:100]} is of the kind {kind}.")
            return []
        ops = operand if isinstance(operand, dict) else {"eq": operand}
        item = "text" if kind == "texts" else "any"
        if nested := [name for name in ops if name in OF_ITEMS]:
            self.wrong(f"{at}/{nested[0]}", "The items of items cannot be looked at.")
            return []
        if not ops:
            self.wrong(at, "Name an operator.")
        inner = [
            leaf
            for name, each in ops.items()
            for leaf in self.test((), str(name), each, item, f"{at}/{escaped(str(name))}")
        ]
        if contradicted(inner) or (item == "text" and any(never_text(leaf) for leaf in inner)):
            self.wrong(at, "No item can pass all these tests.")
        return [Leaf(path, op, operand, kind, tuple(inner))] if inner else []

    def kind(self, path: tuple[str, ...], at: str, types: Types) -> str | None:
        if not all(path):
            self.wrong(at, "A path is names with dots between them.")
            return None
        kind = self.registry.kind_of(path, types)
        if kind is None:
            of = f" of {', '.join(sorted(types))}" if types else ""
            like = _did_you_mean(self.registry.nearest(path, types))
            self.wrong(
                at, f"There is no attribute {'.'.join(path)[:100]!r}{of[:200]}.{like} Own names begin with custom."
            )
        return kind

    def known_words(self, path: tuple[str, ...], op: str, value: Any, at: str, types: Types) -> None:
        """Of an attribute with a closed list of words, only these can be meant."""
        if op not in OF_WORDS:
            return
        names = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        words = self.registry.words_of(path, types)
        for name in names:
            if path == (TYPE,) and not self.registry.knows(name):
                like = _did_you_mean(nearest(name, self.registry.types))
                self.wrong(at, f"There is no action type {name[:64]!r}.{like} Own types begin with custom.")
            if words is not None and name not in words:
                like = _did_you_mean(nearest(name, words)) or f" It is one of {', '.join(sorted(words))}."
                self.wrong(at, f"{'.'.join(path)} is never {name[:64]!r}.{like}")

    def possible(self, path: tuple[str, ...], leaves: list[Leaf], at: str) -> None:
        """Whether something could pass all tests of the path."""
        if contradicted(leaves) or (path == (TYPE,) and any(no_type(leaf, self.registry) for leaf in leaves)):
            self.wrong(at, f"Nothing can pass all these tests of {'.'.join(path)[:100]}.")

    def counted(self, at: str) -> bool:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.wrong("", f"More than {MOST_NODES} tests and combinators.")
        return self.nodes <= MOST_NODES


def read(raw: Any, registry: Registry) -> tuple[Node, Types]:
    """The tree, and the action types that it can only hold for (None: any). Raises Unreadable."""
    if not isinstance(raw, dict) or not raw:
        raise Unreadable({"": 'Conditions are an object; {"match_all": true} matches every action.'})
    if "match_all" in raw:
        return _match_all(raw)
    if levels(raw) > 3 * DEEPEST:
        raise Unreadable({"": TOO_DEEP})
    if len(json.dumps(raw, ensure_ascii=False, default=str)) > LARGEST_BYTES:
        raise Unreadable({"": f"Longer than {LARGEST_BYTES} characters."})
    reader = Reader(registry)
    found = reader.node(raw, "", 1, None)
    if reader.mistakes or found is None:
        raise Unreadable(reader.mistakes or {"": "There is nothing here to match."})
    return found, narrowed(raw, None)


def escaped(name: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901)."""
    return name[:100].replace("~", "~0").replace("/", "~1")


def _match_all(raw: dict[str, Any]) -> tuple[Node, Types]:
    if raw["match_all"] is not True or len(raw) > 1:
        raise Unreadable({"/match_all": "`match_all` is true and stands alone."})
    return All(()), None


def _all(parts: list[Node | None]) -> Node | None:
    found = tuple(part for part in parts if part is not None)
    return found[0] if len(found) == 1 else All(found)


def _did_you_mean(name: str | None) -> str:
    return f" Did you mean {name!r}?" if name else ""
