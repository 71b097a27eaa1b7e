"""How a mission's standing changes with each kind of entry. Pure.

Kinds without a reducer here change nothing that a process watches. One that no part of the product knows stops the
fold, as in replay.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from sys import intern
from typing import Any

from missions.lifecycle import MissionStatus, TaskStatus
from missions.replaying import folding
from missions.replaying.state import Told, settled
from missions.standing.state import FINISHED_KEPT, HOURS_KEPT, Fellow, Standing, Work

Reducer = Callable[[Standing, Told], None]


def fold(entries: Iterable[Told], standing: Standing | None = None) -> Standing:
    """The standing after these entries of one stream, in the order of `seq`. Raises CannotFold."""
    standing = Standing() if standing is None else standing
    for told in entries:
        apply(standing, told)
    return standing


def apply(standing: Standing, told: Told) -> None:
    """One entry's change. Raises CannotFold."""
    folding.apply_by(REDUCERS, standing, told)
    standing.at = max(standing.at, seconds(told.at))


@lru_cache(maxsize=16)
def seconds(moment: str) -> float:
    """Seconds since 1970 of an RFC 3339 time; entries that happened together share one value."""
    return datetime.fromisoformat(moment).timestamp()


def micros(amount: str | None) -> int | None:
    """Millionths of a US dollar."""
    return None if amount is None else int(Decimal(amount) * 1_000_000)


def _mission_fields(standing: Standing, told: Told) -> None:
    fields = told.data["fields"]
    if "status" in fields:
        standing.status = intern(fields["status"])
    if "budget_usd" in fields:
        standing.budget = micros(fields["budget_usd"])
    if "deadline" in fields:
        standing.deadline = _moment(fields["deadline"])
    if "thresholds" in fields:
        standing.thresholds = dict(fields["thresholds"] or {})


def _mission_moved(standing: Standing, told: Told) -> None:
    standing.status = intern(told.data["after"])
    if standing.status == MissionStatus.ACTIVE and standing.started is None:
        standing.started = seconds(told.at)


def _process_changed(standing: Standing, told: Told) -> None:
    standing.process = intern(told.data["state"])


def _joined(standing: Standing, told: Told) -> None:
    data = told.data
    standing.participants[f"{data['participant_kind']}:{data['participant']}"] = intern(data["role"])


def _left(standing: Standing, told: Told) -> None:
    standing.participants.pop(f"{told.data['participant_kind']}:{told.data['participant']}", None)


def _mission_costed(standing: Standing, told: Told) -> None:
    _spend(standing, told)


def _created(standing: Standing, told: Told) -> None:
    now, fields = seconds(told.at), told.data["fields"]
    work = Work(key=fields["task_id"], status=intern(fields["status"]), since=now, heard=now)
    _set_fields(work, fields)
    work.needs = tuple(told.data["depends_on"])
    work.requirements = len(told.data["requirements"])
    standing.tasks[told.task_id] = work


def _revised(standing: Standing, told: Told) -> None:
    work = _heard(standing, told)
    _set_fields(work, told.data["fields"])
    if told.data["depends_on"] is not None:
        work.needs = tuple(told.data["depends_on"])
    if told.data["requirements"] is not None:
        work.requirements = len(told.data["requirements"])


def _set_fields(work: Work, fields: dict[str, Any]) -> None:
    if "agent" in fields:
        agent = settled({"agent": fields["agent"]})["agent"]
        work.agent = agent and intern(agent)
    if "budget_usd" in fields:
        work.budget = micros(fields["budget_usd"])
    if "due_at" in fields:
        work.due = _moment(fields["due_at"])
    work.percent = fields.get("percent", work.percent)


def _moved(standing: Standing, told: Told) -> None:
    work, data = _heard(standing, told), told.data
    work.status, work.percent, work.since = intern(data["after"]), data["percent"], work.heard
    if work.status == TaskStatus.COMPLETED:
        standing.finished.append(work.heard)
        del standing.finished[:-FINISHED_KEPT]
        _succeeded(standing, work)
    elif work.status == TaskStatus.FAILED:
        _failed(standing, work, told.data.get("reason", ""))


def _reported(standing: Standing, told: Told) -> None:
    work = _heard(standing, told)
    if told.data["percent"] is not None:
        work.percent = told.data["percent"]


def _claimed(standing: Standing, told: Told) -> None:
    work, agent = _heard(standing, told), intern(told.refs["agent"]["key"])
    work.agent = work.holder = agent
    work.fence = told.data["fence"]


def _released(standing: Standing, told: Told) -> None:
    _heard(standing, told).holder = None


def _costed(standing: Standing, told: Told) -> None:
    standing.tasks[told.task_id].cost += _spend(standing, told)


def _spend(standing: Standing, told: Told) -> int:
    cost, hour = micros(told.data["cost_usd"]) or 0, int(seconds(told.at) // 3600)
    standing.cost += cost
    standing.spent[hour] = standing.spent.get(hour, 0) + cost
    if len(standing.spent) > HOURS_KEPT:
        del standing.spent[min(standing.spent)]
    return cost


def _queued(standing: Standing, told: Told) -> None:
    work = _heard(standing, told)
    work.run, work.running = told.data["execution"], False


def _started(standing: Standing, told: Told) -> None:
    _heard(standing, told).running = True


def _retried(standing: Standing, told: Told) -> None:
    _heard(standing, told).running = False


def _ended(standing: Standing, told: Told) -> None:
    work = _heard(standing, told)
    if work.run == told.data["execution"]:
        work.run, work.running = None, False
    if told.data["state"] == "succeeded":
        _succeeded(standing, work)
    elif told.data["state"] == "failed":
        _failed(standing, work, f"{told.data['failure']} {told.data['detail']}")


def _succeeded(standing: Standing, work: Work) -> None:
    work.failed, work.failures = "", 0
    if fellow := standing.agents.get(work.agent or ""):
        fellow.failed, fellow.failures = "", 0


def _failed(standing: Standing, work: Work, words: str) -> None:
    mark = sha256(words.encode()).hexdigest()[:4]  # tells failures apart, and nobody what was said of them
    fellow = standing.agents.get(work.agent or "")
    for each in (work, fellow) if fellow else (work,):
        each.failures = each.failures + 1 if each.failed == mark else 1
        each.failed = mark


def _heard(standing: Standing, told: Told) -> Work:
    """The task that the entry tells of, noted as heard of, and its agent too. Raises KeyError."""
    work = standing.tasks[told.task_id]
    work.heard = max(work.heard, seconds(told.at))
    if agent := told.refs.get("agent"):
        fellow = standing.agents.setdefault(intern(agent["key"]), Fellow(agent["id"], work.heard))
        fellow.heard = work.heard
    return work


def _opened(standing: Standing, told: Told) -> None:
    standing.advisories[told.data["cause"]] = told.data["advisory"]


def _resolved(standing: Standing, told: Told) -> None:
    standing.advisories.pop(told.data["cause"], None)


def _moment(value: str | None) -> float | None:
    return None if value is None else seconds(value)


REDUCERS: dict[str, Reducer] = {
    "mission.created": _mission_fields,
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
    "task.claimed": _claimed,
    "task.released": _released,
    "task.costed": _costed,
    "execution.queued": _queued,
    "execution.started": _started,
    "execution.retried": _retried,
    "execution.ended": _ended,
    "advisory.opened": _opened,
    "advisory.resolved": _resolved,
}
