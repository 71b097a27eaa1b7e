"""The missions that a host holds in memory, and what is to be done about each. Pure: times are passed in."""

import heapq
from collections.abc import Collection, Iterable, Mapping

from missions.replaying.state import Told
from missions.supervision.server import MissionServer

SAVE_AFTER_ENTRIES = 200


class Holding:
    """Servers by mission id. `touched` wait for advice, `changed` for their standing to be shown, `dirty` (since when)
    for a checkpoint, `leaving` are those whose process is no longer wanted or is parked.
    """

    def __init__(self) -> None:
        self.servers: dict[int, MissionServer] = {}
        self.touched: set[int] = set()
        self.changed: set[int] = set()
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
                self.changed.discard(pk)
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
        self.touched.add(mission_id)
        self.changed.add(mission_id)
        self.dirty.setdefault(mission_id, moment)
        if self.servers[mission_id].standing.process in ("stopped", "parked"):
            self.leaving.add(mission_id)
        else:
            self.leaving.discard(mission_id)

    def drop(self, mission_ids: Iterable[int]) -> None:
        for pk in list(mission_ids):
            for held in (self.servers, self.dirty, self.due):
                held.pop(pk, None)
            for marked in (self.touched, self.changed, self.leaving):
                marked.discard(pk)

    def remember(self, due: Mapping[int, float | None]) -> None:
        """When each is to be looked at again (seconds since 1970), whatever is told meanwhile."""
        for pk, at in due.items():
            self.due.pop(pk, None)
            if at is not None and pk in self.servers:
                self.due[pk] = at
                heapq.heappush(self.timers, (at, pk))

    def take_touched(self, now: float, most: int) -> list[int]:
        """Those that changed, and those whose time has come."""
        while self.timers and self.timers[0][0] <= now:
            at, pk = heapq.heappop(self.timers)
            if self.due.get(pk) == at:
                del self.due[pk]
                self.touched.add(pk)
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


def _taken(marked: set[int], most: int) -> list[int]:
    chosen: Collection[int] = (
        marked if len(marked) <= most else [pk for pk, _ in zip(marked, range(most), strict=False)]
    )
    found = sorted(chosen)
    marked.difference_update(found)
    return found
