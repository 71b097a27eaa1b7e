"""Writes what a host knows for those who read rows, and for whoever goes on after it."""

import time
from collections.abc import Callable, Iterable
from functools import partial

from missions.services import hosting, keeping
from missions.services.keeping import Saved, Shown
from missions.standing import figures, packing
from missions.supervision.crashing import Crashes
from missions.supervision.holding import Holding
from missions.supervision.server import MissionServer
from missions.supervision.tenure import Tenure

AT_ONCE = 200
SAVE_AFTER_S = 30.0


class Keeper:
    """Keeps a holding's standings and checkpoints. `breathe` is called between missions, so that the lease lives.

    What it writes for a mission that is not the owner's any more hits nothing: those are in `doubtful` then.
    """

    def __init__(self, holding: Holding, crashes: Crashes, breathe: Callable[[Tenure], object]) -> None:
        self.holding, self.crashes, self.breathe = holding, crashes, breathe
        self.doubtful: list[int] = []

    def show(self, tenure: Tenure) -> None:
        """Writes standings that changed, those that wait longest first."""
        rows = self._shown(tenure, self.holding.take_changed(AT_ONCE))
        done = keeping.show(tenure.owner.id, rows)
        for row in rows:
            if row.mission_id in self.holding.servers:
                self.holding.servers[row.mission_id].shown = row.seq
        self.doubtful += [row.mission_id for row in rows if row.mission_id not in done]

    def save(self, tenure: Tenure, *, after_s: float = SAVE_AFTER_S) -> None:
        """Writes checkpoints of missions that moved far, or that moved so long ago."""
        rows = self._packed(self.holding.to_save(time.monotonic(), after_s, AT_ONCE))
        done = keeping.save(tenure.owner.id, rows, schema=packing.SCHEMA)
        for row in rows:
            self.holding.dirty.pop(row.mission_id)
            self.holding.servers[row.mission_id].kept = row.seq
        self.doubtful += [row.mission_id for row in rows if row.mission_id not in done]

    def let_go(self, tenure: Tenure) -> None:
        """Gives back what is stopped or parked, with its last standing."""
        if self.holding.leaving:
            leaving = sorted(self.holding.leaving)[:AT_ONCE]
            keeping.show(tenure.owner.id, self._shown(tenure, leaving))
            self.give_back(tenure, [pk for pk in leaving if pk in self.holding.servers])

    def give_back(self, tenure: Tenure, mission_ids: list[int]) -> None:
        """Keeps these and lets other hosts take them."""
        keeping.save(tenure.owner.id, self._packed(mission_ids), schema=packing.SCHEMA)
        hosting.release(tenure.owner, mission_ids)
        self.holding.drop(mission_ids)

    def _shown(self, tenure: Tenure, mission_ids: Iterable[int]) -> list[Shown]:
        now, rows = time.time(), list[Shown]()

        def add(server: MissionServer) -> None:
            standing = server.standing
            rows.append(Shown(server.mission_id, server.seq, figures.counts(standing), figures.shown(standing, now)))

        for pk in mission_ids:
            self.crashes.guarded(tenure, pk, partial(add, self.holding.servers[pk]))
            self.breathe(tenure)
        return rows

    def _packed(self, mission_ids: Iterable[int]) -> list[Saved]:
        servers = self.holding.servers
        return [Saved(pk, servers[pk].seq, packing.packed(servers[pk].standing)) for pk in mission_ids]
