"""A mission rebuilt from its trace: a pure fold over the entries, compared with the rows as they stand.

One reducer per event kind; a kind without one (a refusal, an advisory) changes no state.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from coordinator.lib.money import plain_money
from missions import live_state
from missions.models import Mission
from traceability.models import Entry
from traceability.moments import one_moment

Data = Mapping[str, Any]

TOLD = (
    "before",
    "after",
    "reason",
    "state",
    "status",
    "percent",
    "approved",
    "fence",
    "cost_usd",
    "severity",
    "message",
)
"""What the timeline repeats of an entry's data."""


@dataclass
class State:
    """A mission in memory. Tasks are kept by row id, since a public key may change."""

    status: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)
    cost_usd: Decimal = Decimal(0)

    def shown(self) -> dict[str, Any]:
        """Plain values: money as text, tasks by public key."""
        tasks = {task["fields"]["task_id"]: _task_shown(task) for task in self.tasks.values()}
        return {
            "status": self.status,
            "fields": dict(sorted(self.fields.items())),
            "tasks": dict(sorted(tasks.items())),
            "participants": dict(sorted(self.participants.items())),
            "cost_usd": plain_money(self.cost_usd),
        }


def fold(entries: Iterable[Entry]) -> dict[str, Any]:
    """The state after these entries of one mission's stream, in the order of `seq`."""
    state = State()
    for entry in entries:
        apply(state, entry)
    return state.shown()


def apply(state: State, entry: Entry) -> None:
    """One entry's change."""
    if entry.kind in OF_MISSION:
        OF_MISSION[entry.kind](state, entry.data)
    elif entry.kind == "task.created":
        state.tasks[_task_id(entry)] = _born(entry.data)
    elif entry.kind == "task.costed":
        _add_cost(state, entry.data)
        state.tasks[_task_id(entry)]["cost_usd"] += Decimal(entry.data["cost_usd"])
    elif entry.kind in OF_TASK:
        agent = entry.key_of("agent")
        OF_TASK[entry.kind](state.tasks[_task_id(entry)], entry.data, agent)


def replay(mission: Mission, until: int | datetime | None = None) -> dict[str, Any]:
    """Folds the mission's stream (up to an entry's id or a time, inclusive) and compares it with the live rows.

    `differences` is a list of `{"path", "replayed", "current"}`; with `until` it says what has changed since.
    """
    state, timeline = State(), []
    with one_moment():
        for entry in _entries(mission, until).iterator(chunk_size=500):
            apply(state, entry)
            timeline.append(_line(entry))
        current = live_state.of(mission)
    replayed = state.shown()
    differences = list(differing(replayed, current))
    return {
        "entries": len(timeline),
        "state": replayed,
        "matches_current": not differences,
        "differences": differences,
        "timeline": timeline,
    }


def differing(replayed: Any, current: Any, path: str = "") -> Iterable[dict[str, Any]]:
    """Where two states part, leaf by leaf."""
    if isinstance(replayed, dict) and isinstance(current, dict) and not path.endswith(".outputs"):
        for name in sorted({*replayed, *current}):
            inner = f"{path}.{name}".lstrip(".")
            yield from differing(replayed.get(name), current.get(name), inner)
    elif replayed != current:
        yield {"path": path, "replayed": replayed, "current": current}


def _entries(mission: Mission, until: int | datetime | None) -> Any:
    rows = Entry.objects.in_stream(f"mission:{mission.pk}")
    if isinstance(until, datetime):
        return rows.filter(recorded_at__lte=until)
    return rows if until is None else rows.filter(pk__lte=until)


def _line(entry: Entry) -> dict[str, Any]:
    told = {name: entry.data[name] for name in TOLD if entry.data.get(name) not in (None, "")}
    return {
        "id": entry.pk,
        "seq": entry.seq,
        "event": entry.kind,
        "at": entry.occurred_at,
        "actor": entry.actor_name,
        "task": entry.key_of("task"),
        "agent": entry.key_of("agent"),
        **told,
    }


def _task_id(entry: Entry) -> int:
    return int(entry.told["refs"]["task"]["id"])


def _mission_fields(state: State, data: Data) -> None:
    state.fields.update(live_state.settled(data["fields"]))
    state.status = state.fields.pop("status", state.status)


def _mission_moved(state: State, data: Data) -> None:
    state.status = data["after"]


def _joined(state: State, data: Data) -> None:
    state.participants[f"{data['participant_kind']}:{data['participant']}"] = data["role"]


def _left(state: State, data: Data) -> None:
    state.participants.pop(f"{data['participant_kind']}:{data['participant']}", None)


def _add_cost(state: State, data: Data) -> None:
    state.cost_usd += Decimal(data["cost_usd"])


def _born(data: Data) -> dict[str, Any]:
    task: dict[str, Any] = {
        "fields": {},
        "attempts": 0,
        "cost_usd": Decimal(0),
        "depends_on": list(data["depends_on"]),
        "requirements": list(data["requirements"]),
        "claim": None,
    }
    _task_fields(task, data, None)
    return task


def _task_fields(task: dict[str, Any], data: Data, agent: str | None) -> None:
    fields = live_state.settled(data["fields"])
    for name in live_state.APART & set(fields):
        task[name] = fields.pop(name)
    task["fields"].update(fields)


def _task_revised(task: dict[str, Any], data: Data, agent: str | None) -> None:
    _task_fields(task, data, agent)
    for name in ("depends_on", "requirements"):
        if data[name] is not None:
            task[name] = list(data[name])


def _task_moved(task: dict[str, Any], data: Data, agent: str | None) -> None:
    task.update(status=data["after"], attempts=data["attempts"], percent=data["percent"])


def _task_reported(task: dict[str, Any], data: Data, agent: str | None) -> None:
    task["outputs"] = {**task["outputs"], **data["outputs"]}
    if data["percent"] is not None:
        task["percent"] = data["percent"]


def _task_claimed(task: dict[str, Any], data: Data, agent: str | None) -> None:
    task.update(agent=agent, claim={"agent": agent, "fence": data["fence"]})


def _task_released(task: dict[str, Any], data: Data, agent: str | None) -> None:
    task["claim"] = None


def _task_shown(task: dict[str, Any]) -> dict[str, Any]:
    return {**task, "fields": dict(sorted(task["fields"].items())), "cost_usd": plain_money(task["cost_usd"])}


OF_MISSION: dict[str, Callable[[State, Data], None]] = {
    "mission.created": _mission_fields,
    "mission.updated": _mission_fields,
    "mission.moved": _mission_moved,
    "mission.participant_joined": _joined,
    "mission.participant_left": _left,
    "mission.costed": _add_cost,
}

OF_TASK: dict[str, Callable[[dict[str, Any], Data, str | None], None]] = {
    "task.updated": _task_revised,
    "task.moved": _task_moved,
    "task.reported": _task_reported,
    "task.claimed": _task_claimed,
    "task.released": _task_released,
}
