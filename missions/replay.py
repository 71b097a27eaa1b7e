"""A mission rebuilt from its trace, as it is or as it was, and compared with its rows or with another moment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Max

from coordinator.lib.errors import Conflict, Invalid
from missions import live_state
from missions.models import Mission
from missions.replaying import folding, reading, snapshots
from missions.replaying.comparing import differing
from missions.replaying.folding import CannotFold
from missions.replaying.state import State, Told
from traceability.archiving import ArchiveChanged, ArchiveMissing
from traceability.models import Entry
from traceability.moments import one_moment

Moment = int | datetime
"""An entry's id, or a time; both inclusive."""

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


class NotReplayable(Conflict):
    """The mission's trace does not fold."""


class BeyondTheLedger(Invalid):
    """The ledger has not given this id yet."""


def replay(mission: Mission, until: Moment | None = None, compare: Moment | None = None) -> dict[str, Any]:
    """Folds the mission's stream up to a moment. Raises NotReplayable, BeyondTheLedger, ArchiveMissing, ArchiveChanged.

    `differences` are `{"path", "replayed", "current"}`: where that parts from the live rows (with `until`: what has
    changed since). With `compare` they are `{"path", "replayed", "compared"}`, where it parts from that other moment,
    and `matches_current` is None.
    """
    stream, state, timeline = stream_of(mission.pk), State(), []
    try:
        with one_moment():
            _refuse_beyond(until=until, compare=compare)
            for told in reading.entries(stream, upto=reading.position(stream, until)):
                folding.apply(state, told)
                timeline.append(_line(told))
            if compare is not None:
                other = snapshots.state_at(stream, reading.position(stream, compare)).shown()
            else:
                other = live_state.of(mission)
    except CannotFold as broken:
        raise NotReplayable(str(broken)) from broken
    replayed, word = state.shown(), "current" if compare is None else "compared"
    partings = [{"path": path, "replayed": one, word: two} for path, one, two in differing(replayed, other)]
    return {
        "entries": len(timeline),
        "state": replayed,
        "matches_current": None if compare is not None else not partings,
        "differences": partings,
        "timeline": timeline,
    }


def partings(mission_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """Where missions part from their traces, by row id. Those that do not are left out, as are ids that are only spoken
    of in the trace and were never made a mission.

    The path `trace` says why a trace does not fold.
    """
    with one_moment():
        replayed = {each: _folded(each) for each in mission_ids}
        current = live_state.of_all(replayed)
    found = {each: _partings(state, current.get(each)) for each, state in replayed.items()}
    return {each: partings for each, partings in found.items() if partings}


def _refuse_beyond(**moments: Moment | None) -> None:
    """Raises BeyondTheLedger for an id that no entry has been given yet; a time may lie ahead."""
    asked = {name: each for name, each in moments.items() if isinstance(each, int)}
    if not asked:
        return
    newest = Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if beyond := {name for name, each in asked.items() if each > newest}:
        raise BeyondTheLedger({name: [f"The newest entry of the ledger is {newest}."] for name in sorted(beyond)})


def _folded(mission_id: int) -> State | str:
    """The state, or why there is none."""
    try:
        return folding.fold(reading.entries(stream_of(mission_id)))
    except CannotFold as broken:
        return str(broken)
    except (ArchiveMissing, ArchiveChanged) as away:
        return away.detail


def _partings(replayed: State | str, current: Any) -> list[dict[str, Any]]:
    if isinstance(replayed, str):
        return [{"path": "trace", "replayed": replayed, "current": None}]
    if current is None and replayed == State():
        return []
    found = differing(replayed.shown(), current)
    return [{"path": path, "replayed": one, "current": two} for path, one, two in found]


def stream_of(mission_id: int) -> str:
    return f"mission:{mission_id}"


def _line(told: Told) -> dict[str, Any]:
    data = told.data
    return {
        "id": told.id,
        "seq": told.seq,
        "event": told.kind,
        "at": told.at,
        "actor": told.actor,
        "task": told.key_of("task"),
        "agent": told.key_of("agent"),
        **{name: data[name] for name in TOLD if data.get(name) not in (None, "")},
    }
