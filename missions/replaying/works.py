"""How missions and their tasks change with each kind of entry. Pure."""

from collections.abc import Callable
from decimal import Decimal

from missions.replaying.state import APART, Fields, State, Told, settled

Reducer = Callable[[State, Told], None]
LINKS = ("depends_on", "requirements")
LATER_FIELDS: Fields = {"thresholds": {}}
"""Fields that missions had not at first, as they are in missions whose first entry does not name them."""


def _mission_fields(state: State, told: Told) -> None:
    state.fields.update(settled(told.data["fields"]))
    state.status = state.fields.pop("status", state.status)


def _mission_created(state: State, told: Told) -> None:
    state.fields.update(LATER_FIELDS)
    _mission_fields(state, told)


def _mission_moved(state: State, told: Told) -> None:
    state.status = told.data["after"]


def _joined(state: State, told: Told) -> None:
    state.participants[_participant(told)] = told.data["role"]


def _left(state: State, told: Told) -> None:
    state.participants.pop(_participant(told), None)


def _participant(told: Told) -> str:
    return f"{told.data['participant_kind']}:{told.data['participant']}"


def _process_changed(state: State, told: Told) -> None:
    state.process = {"state": told.data["state"]}


def _mission_costed(state: State, told: Told) -> None:
    state.cost_usd += Decimal(told.data["cost_usd"])


def _created(state: State, told: Told) -> None:
    task: Fields = {
        "fields": {},
        "attempts": 0,
        "cost_usd": Decimal(0),
        "claim": None,
        "reports": 0,
        "reviews": {"approved": 0, "rejected": 0},
        "since": told.at,
        **{name: told.data[name] for name in LINKS},
    }
    _set_fields(task, told.data["fields"])
    state.tasks[told.task_id] = task


def _revised(state: State, told: Told) -> None:
    task = state.tasks[told.task_id]
    _set_fields(task, told.data["fields"])
    task.update({name: told.data[name] for name in LINKS if told.data[name] is not None})


def _set_fields(task: Fields, fields: Fields) -> None:
    for name, value in settled(fields).items():
        (task if name in APART else task["fields"])[name] = value


def _moved(state: State, told: Told) -> None:
    data = told.data
    state.tasks[told.task_id].update(
        status=data["after"], attempts=data["attempts"], percent=data["percent"], since=told.at
    )


def _reported(state: State, told: Told) -> None:
    task = state.tasks[told.task_id]
    task["outputs"] = {**task["outputs"], **settled({"outputs": told.data["outputs"]})["outputs"]}
    task["reports"] += 1
    if told.data["percent"] is not None:
        task["percent"] = told.data["percent"]


def _reviewed(state: State, told: Told) -> None:
    reviews = state.tasks[told.task_id]["reviews"]
    word = "approved" if told.data["approved"] else "rejected"
    state.tasks[told.task_id]["reviews"] = {**reviews, word: reviews[word] + 1}


def _claimed(state: State, told: Told) -> None:
    agent = told.key_of("agent")
    state.tasks[told.task_id].update(agent=agent, claim={"agent": agent, "fence": told.data["fence"]})


def _released(state: State, told: Told) -> None:
    state.tasks[told.task_id]["claim"] = None


def _costed(state: State, told: Told) -> None:
    cost = Decimal(told.data["cost_usd"])
    state.cost_usd += cost
    state.tasks[told.task_id]["cost_usd"] += cost


REDUCERS: dict[str, Reducer] = {
    "mission.created": _mission_created,
    "mission.updated": _mission_fields,
    "mission.moved": _mission_moved,
    "mission.participant_joined": _joined,
    "mission.participant_left": _left,
    "mission.process_changed": _process_changed,
    "mission.costed": _mission_costed,
    "task.created": _created,
    "task.updated": _revised,
    "task.moved": _moved,
    "task.reported": _reported,
    "task.reviewed": _reviewed,
    "task.claimed": _claimed,
    "task.released": _released,
    "task.costed": _costed,
}
