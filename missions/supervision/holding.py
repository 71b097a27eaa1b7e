"""The missions that a host holds in memory, and what is to be done about each. Pure: times are passed in."""

import heapq
from collections.abc import Iterable, Mapping

from missions.replaying.state import Told
from missions.supervision.server import MissionServer

SAVE_AFTER_ENTRIES = 200
SPARE_TIMERS = 1000


class Holding:
    """Servers by mission id. `touched` wait for advice, `changed` for their standing to be shown, in the order in which
    they began to; `dirty` (since when) for a checkpoint; `leaving` are stopped or parked.
    """

    def __init__(self) -> None:
        self.servers: dict[int, MissionServer] = {}
        self.touched: dict[int, None] = {}
        self.changed: dict[int, None] = {}
        self.leaving: set[int] = set()
        self.dirty: dict[int, float] = {}
        self.due: dict[int, float] = {}
        self.timers: list[tuple[float, int]] = []
        self.applied = 0

    def add(self, servers: Mapping[int, MissionServer], moment: float) -> None:
        """Takes loaded missions in; what they have folded beyond what is kept is to be kept."""
        self.servers.update(servers)
        for pk, server in servers.items():
            self.note(pk, moment)
            if server.seq == server.shown:
                self.changed.pop(pk, None)
            if server.seq == server.kept:
                self.dirty.pop(pk)

    def fold(self, mission_id: int, told: Told, moment: float) -> bool:
        """Folds one entry; False when one before it is missing. Raises CannotFold."""
        server, before = self.servers[mission_id], self.servers[mission_id].seq
        whole = server.apply(told)
        if server.seq > before:
            self.applied += 1
            self.note(mission_id, moment)
        return whole

    def note(self, mission_id: int, moment: float) -> None:
        """Something was folded: advice, standing and checkpoint follow."""
        self.touched.setdefault(mission_id)
        self.changed.setdefault(mission_id)
        self.dirty.setdefault(mission_id, moment)
        if self.servers[mission_id].standing.process in ("stopped", "parked"):
            self.leaving.add(mission_id)
        else:
            self.leaving.discard(mission_id)

    def drop(self, mission_ids: Iterable[int]) -> None:
        for pk in list(mission_ids):
            for held in (self.servers, self.dirty, self.due, self.touched, self.changed):
                held.pop(pk, None)
            self.leaving.discard(pk)

    def remember(self, due: Mapping[int, float | None]) -> None:
        """When each is to be looked at again (seconds since 1970), whatever is told meanwhile."""
        for pk, at in due.items():
            if self.due.get(pk) == at:
                continue
            self.due.pop(pk, None)
            if at is not None and pk in self.servers:
                self.due[pk] = at
                heapq.heappush(self.timers, (at, pk))
        if len(self.timers) > 2 * len(self.due) + SPARE_TIMERS:
            self.timers = [(at, pk) for pk, at in self.due.items()]
            heapq.heapify(self.timers)

    def wake_due(self, now: float) -> int:
        """Marks those whose time has come; answers how many wait for advice."""
        while self.timers and self.timers[0][0] <= now:
            at, pk = heapq.heappop(self.timers)
            if self.due.get(pk) == at:
                del self.due[pk]
                self.touched.setdefault(pk)
        return len(self.touched)

    def take_touched(self, most: int) -> list[int]:
        return _taken(self.touched, most)

    def take_changed(self, most: int) -> list[int]:
        return _taken(self.changed, most)

    def to_save(self, moment: float, after_s: float, most: int) -> list[int]:
        """Those that moved far since the last checkpoint, or did so long ago."""
        found = (
            pk for pk, since in self.dirty.items()
            if moment - since >= after_s or self.servers[pk].seq - self.servers[pk].kept >= SAVE_AFTER_ENTRIES
        )  # fmt: skip
        return [pk for pk, _ in zip(found, range(most), strict=False)]

    def next_due(self) -> float:
        """Seconds since 1970."""
        return self.timers[0][0] if self.timers else float("inf")


def _taken(waiting: dict[int, None], most: int) -> list[int]:
    """The first of them, which wait no longer; in the order of their ids, so that no two hosts lock them crosswise."""
    chosen = [pk for pk, _ in zip(waiting, range(most), strict=False)]
    for pk in chosen:
        del waiting[pk]
    return sorted(chosen)
