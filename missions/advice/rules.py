"""What is wrong with a mission now, and when it is to be looked at again. Pure: no database, no clock, no settings.

A rule gives a watch: from a moment on its finding holds, unless something is told meanwhile. So a mission is looked
at when something is told of it and when its next watch is due, and one that rests costs nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from missions.advice import of_missions, of_tasks, thresholds
from missions.advice.findings import OF_MISSIONS, Watch, kind_of
from missions.advice.of_tasks import View
from missions.lifecycle import MISSION_ENDED, MissionStatus
from missions.standing.state import Standing

NOTHING: Mapping[int, float] = {}


@dataclass(frozen=True, slots=True)
class Look:
    """A mission looked at: what is wrong by name, and when the next thing may become wrong (None: never)."""

    wrong: dict[str, Watch]
    next_at: float | None

    def before(self, at: float) -> "Look":
        """The same, and looked at again at that time, if not before."""
        return Look(self.wrong, at if self.next_at is None else min(self.next_at, at))

    def gone(self, standing: Standing) -> list[int]:
        """The advisories of the standing that are no longer true, by row id."""
        return [
            pk for cause, pk in standing.advisories.items() if cause not in self.wrong and kind_of(cause) in OF_MISSIONS
        ]

    def new(self, standing: Standing) -> list[Watch]:
        """What is wrong and not in the standing yet."""
        return [watch for name, watch in self.wrong.items() if name not in standing.advisories]


def look(mission_id: int, standing: Standing, now: float, heard: Mapping[int, float] = NOTHING) -> Look:
    """What is wrong at `now`, and when to look again."""
    wrong: dict[str, Watch] = {}
    next_at = float("inf")
    for watch in watches(mission_id, standing, now, heard):
        if watch.at <= now:
            wrong[watch.name] = watch
        else:
            next_at = min(next_at, watch.at)
    return Look(wrong, None if next_at == float("inf") else next_at)


def watches(mission_id: int, standing: Standing, now: float, heard: Mapping[int, float] = NOTHING) -> Iterator[Watch]:
    """All that is or will be wrong if nothing more is told. `heard`: see `View`."""
    if standing.status in MISSION_ENDED:
        return
    view = View(mission_id, standing, heard, now, thresholds.of(standing.thresholds))
    yield from of_missions.always(view)
    if standing.status == MissionStatus.ACTIVE:
        yield from of_missions.at_work(view)
        for pk, work in standing.tasks.items():
            if of_tasks.concerns(work):
                yield from of_tasks.of_task(view, pk, work)
