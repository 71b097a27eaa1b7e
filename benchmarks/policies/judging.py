"""Decisions a second beside other engines: the same policies, the same actions, the same matches, in one run."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import median
from time import process_time
from typing import Any

from benchmarks.policies import peers, workload
from benchmarks.spine.ground import Figure
from policies import engine

ROUNDS = 15
SHORTEST_S = 0.02
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def run() -> Iterator[Figure]:
    for types in (workload.TYPES, 1):
        for count in (10, 100, 1000):
            yield from _of(count, types)


def _of(count: int, types: int) -> Iterator[Figure]:
    given, actions = workload.conditions(count, types), workload.actions(types)
    asked = _asked(given, types, actions)
    wanted = [asked["matches"](each) for each in actions]
    for name, matching in asked.items():
        if name in {"matches", *peers.PEERS} and [matching(each) for each in actions] != wanted:
            raise AssertionError(f"{name} does not match the same policies")
    found = _measured(asked, actions)
    share = sum(map(len, wanted)) / len(actions)
    yield f"{count} policies, {types} types: matches of an action, on average", share, "policies"
    for name, (middle, best) in found.items():
        yield f"{count} policies, {types} types: {name}, median", middle, "us"
        yield f"{count} policies, {types} types: {name}, best", best, "us"
        yield f"{count} policies, {types} types: {name}, times of ours", middle / found["matches"][0], "x"


def _asked(given: list[dict[str, Any]], types: int, actions: list[dict[str, Any]]) -> dict[str, Callable[[Any], Any]]:
    rules = workload.rules(given, workload.registry(types))
    shelves, facts = workload.filed(rules), {}
    for each in actions:
        facts[id(each)] = workload.facts(each, NOW)

    def matches(action: dict[str, Any]) -> list[int]:
        shelf = shelves.get(action["action_type"])
        return sorted([rule.policy for rule, _ in shelf.answers(facts[id(action)])]) if shelf else []

    def judged(action: dict[str, Any]) -> Any:
        return engine.judge(facts[id(action)], shelves.get(action["action_type"], []))

    def interpreted(action: dict[str, Any]) -> Any:
        return engine.judge(facts[id(action)], rules)

    others = {name: make(given) for name, make in peers.PEERS.items() if _there(name)}
    return {"matches": matches, "engine.judge, findings ordered": judged, "engine.judge, plain": interpreted, **others}


def _there(name: str) -> bool:
    module = {"datalogic-py": "datalogic_py", "jsonschema-rs": "jsonschema_rs", "cel-expr-python": "cel_expr_python"}
    try:
        peers.import_module(module[name.split(",")[0]])
    except ImportError:
        return False
    return True


def _measured(asked: dict[str, Callable[[Any], Any]], actions: list[Any]) -> dict[str, tuple[float, float]]:
    """Median and best microseconds a decision; the engines take turns, so that a busy moment hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, ask in asked.items():
            times[name].append(_timed(ask, actions))
    return {name: (median(found), min(found)) for name, found in times.items()}


def _timed(ask: Callable[[Any], Any], actions: list[Any]) -> float:
    count, began = 0, process_time()
    while True:
        for action in actions:
            ask(action)
        count += len(actions)
        if (took := process_time() - began) >= SHORTEST_S:
            return took / count * 1e6
