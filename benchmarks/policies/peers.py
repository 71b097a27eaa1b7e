"""The same policies in other engines, each used as its own documents advise: compiled once, all matches collected."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

Matching = Callable[[dict[str, Any]], list[int]]
"""The numbers of the policies that hold for an action."""


def datalogic(given: list[dict[str, Any]]) -> Matching:
    """JSONLogic in Rust: all policies are one rule that gives a list, in a session that is kept."""
    engine = import_module("datalogic_py").Engine()
    rule, session = engine.compile([_logic(each) for each in given]), engine.session()
    return lambda action: [number for number, held in enumerate(session.evaluate(rule, action)) if held]


def datalogic_many(given: list[dict[str, Any]]) -> Matching:
    """The same, each policy a rule of its own, evaluated in one call."""
    library = import_module("datalogic_py")
    engine = library.Engine()
    rules, session = [engine.compile(_logic(each)) for each in given], engine.session()
    handle, text = library.DataHandle, import_module("orjson").dumps
    return lambda action: [
        number
        for number, held in enumerate(session.evaluate_many(rules, handle(text(action).decode())))
        if held == "true"
    ]


def jsonschema(given: list[dict[str, Any]]) -> Matching:
    """A policy is a schema, and holds where the action is valid."""
    build = import_module("jsonschema_rs").Draft202012Validator
    tests = [build(_schema(each)).is_valid for each in given]
    return lambda action: [number for number, test in enumerate(tests) if test(action)]


def google_cel(given: list[dict[str, Any]]) -> Matching:
    """CEL in C++: all policies are one program that gives a list."""
    cel = import_module("cel_expr_python.cel")
    kinds = cel.Type
    variables = {
        "action_type": kinds.STRING, "branch": kinds.STRING, "force": kinds.BOOL, "path": kinds.STRING,
        "lines": kinds.INT, "tools": kinds.List(kinds.STRING), "files": kinds.List(kinds.STRING),
    }  # fmt: skip
    program = cel.NewEnv(variables=variables).compile(f"[{', '.join(_cel(each) for each in given)}]")
    return lambda action: [number for number, held in enumerate(program.eval(data=action).plain_value()) if held]


PEERS: dict[str, Callable[[list[dict[str, Any]]], Matching]] = {
    "datalogic-py, one rule": datalogic,
    "datalogic-py, many rules": datalogic_many,
    "jsonschema-rs": jsonschema,
    "cel-expr-python": google_cel,
}


def _parts(given: dict[str, Any], write: Callable[[str, str, Any], Any]) -> list[Any]:
    return [write(name, *next(iter(_ops(value).items()))) for name, value in given.items()]


def _ops(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"eq": value}


def _logic(given: dict[str, Any]) -> dict[str, Any]:
    def write(name: str, op: str, operand: Any) -> dict[str, Any]:
        value = {"var": name}
        return {
            "eq": lambda: {"===": [value, operand]},
            "startswith": lambda: {"starts_with": [value, operand]},
            "gt": lambda: {">": [value, operand]},
            "not_contains": lambda: {"!": [{"in": [operand, value]}]},
            "any": lambda: {"some": [value, {"starts_with": [{"var": ""}, operand["startswith"]]}]},
        }[op]()

    return {"and": _parts(given, write)}


def _schema(given: dict[str, Any]) -> dict[str, Any]:
    def write(name: str, op: str, operand: Any) -> tuple[str, dict[str, Any]]:
        return name, {
            "eq": lambda: {"const": operand},
            "startswith": lambda: {"pattern": f"^{operand}"},
            "gt": lambda: {"exclusiveMinimum": operand},
            "not_contains": lambda: {"not": {"contains": {"const": operand}}},
            "any": lambda: {"contains": {"pattern": f"^{operand['startswith']}"}},
        }[op]()

    return {"properties": dict(_parts(given, write)), "required": list(given)}


def _cel(given: dict[str, Any]) -> str:
    def write(name: str, op: str, operand: Any) -> str:
        said = f'"{operand}"' if isinstance(operand, str) else str(operand).lower()
        return {
            "eq": lambda: f"{name} == {said}",
            "startswith": lambda: f"{name}.startsWith({said})",
            "gt": lambda: f"{name} > {said}",
            "not_contains": lambda: f"!({said} in {name})",
            "any": lambda: f'{name}.exists(x, x.startsWith("{operand["startswith"]}"))',
        }[op]()

    return f"({' && '.join(_parts(given, write))})"
