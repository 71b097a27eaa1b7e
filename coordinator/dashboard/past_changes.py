"""What came between two moments of a mission, in words. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from coordinator.lib.chips import look
from missions.replaying.state import State

MOST = 60
"""So many tasks are listed; the rest is counted."""

Fields = Mapping[str, Any]
Phrase = tuple[str, str]
"""What it is about, and what came of it."""


def of_mission(first: State, second: State) -> list[Phrase]:
    """What changed beside the tasks: state, cost, participants, and what was decided, approved, run and advised."""
    parts: tuple[Callable[[State, State], Iterator[Phrase]], ...] = (_status, _cost, _people, _fields, _governed)
    return [phrase for part in parts for phrase in part(first, second)]


def of_tasks(first: State, second: State) -> Mapping[str, Any]:
    """The tasks that were added, moved or changed, each with what happened to it."""
    found = [_task(first.tasks.get(pk), task) for pk, task in second.tasks.items() if first.tasks.get(pk) != task]
    kinds = Counter(each["kind"] for each in found)
    order = {"added": 0, "moved": 1, "changed": 2}
    found.sort(key=lambda each: order[each["kind"]])
    return {
        "counts": [(word, kinds[word]) for word in order if kinds[word]],
        "tasks": found[:MOST],
        "more": len(found) - len(found[:MOST]),
    }


def _task(before: Fields | None, after: Fields) -> dict[str, Any]:
    moved = before is not None and before["status"] != after["status"]
    return {
        "kind": "added" if before is None else "moved" if moved else "changed",
        "key": after["fields"]["task_id"],
        "objective": after["fields"]["objective"],
        "before": before["status"] if before and moved else "",
        "after": after["status"],
        "words": "; ".join(_words(before, after)) if before else "",
    }


def _words(before: Fields, after: Fields) -> Iterator[str]:
    if before["agent"] != after["agent"]:
        yield f"agent {before['agent'] or 'nobody'} → {after['agent'] or 'nobody'}"
    if before["percent"] != after["percent"]:
        yield f"{before['percent']} % → {after['percent']} %"
    if changed := _changed(before["fields"], after["fields"]):
        yield f"changed {changed}"
    if before["outputs"] != after["outputs"]:
        yield "new outputs"
    yield from (
        f"other {name.replace('_', ' ')}" for name in ("depends_on", "requirements") if before[name] != after[name]
    )
    yield from _work(before, after)


def _work(before: Fields, after: Fields) -> Iterator[str]:
    if before["attempts"] != after["attempts"]:
        yield f"attempt {after['attempts']}"
    if more := after["reports"] - before["reports"]:
        yield _counted(more, "report")
    for verdict, word in (("approved", "approved"), ("rejected", "sent back")):
        if after["reviews"][verdict] != before["reviews"][verdict]:
            yield word
    if spent := after["cost_usd"] - before["cost_usd"]:
        yield f"{_dollars(spent)} spent"


def _status(first: State, second: State) -> Iterator[Phrase]:
    if first.status != second.status:
        yield "State", f"{look(first.status or 'nothing').word} → {look(second.status).word}"
    if first.process["state"] != second.process["state"]:
        yield "Process", f"{look(first.process['state']).word} → {look(second.process['state']).word}"


def _cost(first: State, second: State) -> Iterator[Phrase]:
    if spent := second.cost_usd - first.cost_usd:
        yield "Cost", f"{_dollars(spent)} more: {_dollars(first.cost_usd)} → {_dollars(second.cost_usd)}"


def _people(first: State, second: State) -> Iterator[Phrase]:
    before, after = first.participants, second.participants
    told = [f"{_who(name)} joined as {after[name]}" for name in sorted(after.keys() - before.keys())]
    told += [f"{_who(name)} left" for name in sorted(before.keys() - after.keys())]
    same = sorted(before.keys() & after.keys())
    told += [f"{_who(name)} is {after[name]}, was {before[name]}" for name in same if after[name] != before[name]]
    if told:
        yield "Taking part", "; ".join(told)


def _fields(first: State, second: State) -> Iterator[Phrase]:
    if first.fields and (changed := _changed(first.fields, second.fields)):
        yield "Changed", changed


RULED: tuple[tuple[str, str, Callable[[Fields], str]], ...] = (
    ("Decisions", "decisions", lambda row: look(row["outcome"]).word.lower()),
    ("Approvals", "approvals", lambda row: "asked for" if row["state"] == "pending" else row["state"]),
    ("Runs", "executions", lambda row: row["state"]),
    ("Advice", "advisories", lambda row: "withdrawn" if row["resolved"] else "given"),
)
"""What is counted: its label, where the state keeps it, and the word for one of them."""


def _governed(first: State, second: State) -> Iterator[Phrase]:
    for label, name, word in RULED:
        before, after = getattr(first, name), getattr(second, name)
        counts = Counter(word(row) for key, row in after.items() if before.get(key) != row)
        if counts:
            yield label, ", ".join(f"{count} {said}" for said, count in sorted(counts.items()))


def _changed(before: Fields, after: Fields) -> str:
    names: Iterable[str] = sorted({*before, *after})
    return ", ".join(name.replace("_", " ") for name in names if before.get(name) != after.get(name))


def _who(name: str) -> str:
    """A participant without its kind, and an e-mail without its domain."""
    return name.partition(":")[2].partition("@")[0]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"
