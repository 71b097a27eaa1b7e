"""Expressions in CEL, with the package's extra `cel`: refused without it, never ignored. Pure.

An expression is compiled with the attributes of its action types as the only variables, must give a bool, and has the
limits of Google's implementation: depth, length of loops, linear regular expressions. What it cannot answer, for
instance because an attribute is missing, is an error of the policy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.conditions.attributes import COMMON, FREE, Registry
from policies.conditions.measures import measures_in
from policies.conditions.operators import Answer, Fault
from policies.conditions.values import amount, moment

try:
    from cel_expr_python import cel
except ImportError:
    cel = None

LONGEST_SOURCE = 2000
LONGEST_REASON = 300
NEEDED = "Expressions need the extra `cel`: pip install 'coordinator[cel]'."
TYPE_NAMES = {
    "text": "STRING", "flag": "BOOL", "money": "DOUBLE", "time": "TIMESTAMP", "list": "LIST", "texts": "LIST",
    "object": "MAP",
}  # fmt: skip
WRONG = (RuntimeError, ValueError, TypeError, OverflowError)
"""What the library raises: for an expression that it does not take, and for a value that it cannot hold."""

Variables = tuple[tuple[str, str], ...]
"""Dotted names with their kinds."""


class Refused(Exception):
    """The expression cannot be taken, for this reason."""


@dataclass(frozen=True)
class Program:
    """A compiled expression. `names` are the variables that it may use, as paths, with their kinds."""

    run: Any
    names: tuple[tuple[str, tuple[str, ...], str], ...]

    def __call__(self, view: Any) -> Answer:
        found = {name: (_reached(view, path), kind) for name, path, kind in self.names}
        bound = {name: _converted(value, kind) for name, (value, kind) in found.items() if value is not None}
        try:
            value = self.run.eval(data=bound).value()
        except WRONG as wrong:
            value = wrong
        return value if isinstance(value, bool) else Fault(str(value)[:LONGEST_REASON])


def read(source: Any, registry: Registry, types: Iterable[str] | None) -> Program:
    """The expression, compiled for actions of the types (None: of any). Raises Refused."""
    if not isinstance(source, str) or not source.strip() or len(source) > LONGEST_SOURCE:
        raise Refused(f"An expression is a text of at most {LONGEST_SOURCE} characters.")
    if cel is None:
        raise Refused(NEEDED)
    return _compiled(source, _variables(source, registry, types))


def _variables(source: str, registry: Registry, types: Iterable[str] | None) -> Variables:
    """What every action has, what actions of the types have, and the measures that the expression names."""
    names = {FREE, *COMMON, *measures_in(source)}.union(*(registry.types.get(each, {}) for each in types or ()))
    kinds = {name: registry.kind_of(tuple(name.split(".")), types) for name in names - {"*"}}
    return tuple(sorted((name, kind) for name, kind in kinds.items() if kind is not None and kind != "group"))


@lru_cache(maxsize=4096)
def _compiled(source: str, variables: Variables) -> Program:
    try:
        program = _environment(variables).compile(source)
    except WRONG as wrong:
        raise Refused(f"Not an expression of CEL: {str(wrong)[:LONGEST_REASON]}") from wrong
    if program.return_type().name() != "BOOL":
        raise Refused("An expression gives true or false.")
    used = [(name, tuple(name.split(".")), kind) for name, kind in variables if name.split(".")[0] in source]
    return Program(program, tuple(used))


@lru_cache(maxsize=256)
def _environment(variables: Variables) -> Any:
    return cel.NewEnv(variables={name: getattr(cel.Type, TYPE_NAMES.get(kind, "DYN")) for name, kind in variables})


def _reached(view: Any, path: tuple[str, ...]) -> Any:
    """What is there; None when nothing is, and for null, which no declared type has."""
    for part in path:
        view = view.get(part) if isinstance(view, Mapping) else None
    return view


def _converted(value: Any, kind: str) -> Any:
    """Amounts as numbers and times as times; what is neither stays, and the evaluation says what is wrong."""
    if kind == "money" and (found := amount(value)) is not None:
        return float(found)
    return moment(value) or value if kind == "time" else value
