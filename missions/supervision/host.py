"""A host: holds its share of the mission processes in memory and keeps each at the end of its stream.

Rows and the ledger are the truth; what is in memory may be thrown away at any time. `turn` is one round of the loop;
a slice (see `missions.supervision.slices`) makes turns until its time is over, and the next one goes on with the same
host. Every write carries the host's id, so that one that was declared dead writes nothing.
"""

import logging
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

import psycopg
from django.db import DatabaseError
from django.utils import timezone

from coordinator.lib.outages import is_outage
from missions.replaying import reading
from missions.replaying.folding import CannotFold
from missions.services import advising, hosting, hosts, keeping
from missions.services.keeping import Saved, Shown
from missions.standing import figures, packing
from missions.standing.state import Standing
from missions.supervision import loading, pulse
from missions.supervision.chores import Chores
from missions.supervision.feed import News
from missions.supervision.holding import Holding
from missions.supervision.paces import Done
from missions.supervision.server import MissionServer
from missions.supervision.tenure import BEAT_S, Fenced, Tenure

LONGEST_WAIT_S = 0.5
LOOK_EVERY_S = 0.02
CONSIDER_EVERY_S = 0.5
SHOW_EVERY_S = 0.2
SAVE_AFTER_S = 30.0
COMPARE_EVERY_S = 15.0
AT_ONCE = 200
CLAIM_AT_ONCE = 2000
DRAIN_S = 6.0
POISON = (
    CannotFold,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)
"""What a mission's own state can make our code raise: that mission crashes, and no other."""

log = logging.getLogger(__name__)


class Host:
    """One process as a host of missions: tenure after tenure, each beginning with empty hands."""

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.tenure: Tenure | None = None
        self._forget()

    def turn(self) -> None:
        """One round: lease and share when due, then what is new, what follows from it, and what others may read.

        Raises an outage when the database is away; `lose` is to follow.
        """
        if self.tenure is None:
            self.tenure = Tenure.begin(self.machine)
        try:
            if time.time() >= self.attend_at or self.done_at.is_due("beat", BEAT_S):
                self.beat(self.tenure)
            self.tail(self.tenure)
            for follow in (self.consider, self.show, self.save, self._let_go):
                follow(self.tenure)
                self._look_again(self.tenure)
        except Fenced:
            log.warning("Host %s on %s was declared dead; it begins anew.", self.tenure.owner.id, self.machine)
            self.lose()
            return
        if self.tenure.leads:
            self.chores.run(timezone.now(), between=partial(self._look_again, self.tenure))

    def wait(self, at_most_s: float) -> None:
        """Returns at the next hint that the ledger grew, or when something is due."""
        if self.tenure is None:
            return
        patience = [LONGEST_WAIT_S, at_most_s, self.attend_at - time.time()]
        if self.holding.changed:
            patience.append(self.done_at.left_s("show", SHOW_EVERY_S))
        due_s = 0.0 if self.holding.touched else self.holding.next_due() - time.time()
        patience.append(max(due_s, self.done_at.left_s("consider", CONSIDER_EVERY_S)))
        self.tenure.listen(max(0.0, min(patience)))

    def beat(self, tenure: Tenure) -> None:
        """Renews the lease and takes or gives back missions, so that this host holds its share. Raises Fenced."""
        self.attend_at = float("inf")
        self.done_at.mark("beat")
        self._renew(tenure)
        hosts.bury_dead(me=tenure.owner.id)
        share = hosts.share()
        room = min(max(share.fair - len(self.holding.servers), 0), CLAIM_AT_ONCE)
        claimed = hosting.claim(tenure.owner, most=room) if room else []
        begun = hosting.begin(tenure.owner, now=timezone.now(), most=AT_ONCE)
        self._load(tenure, [*claimed, *begun], anew=[pk for pk, crashes in begun.items() if crashes > 1])
        if len(claimed) == CLAIM_AT_ONCE or len(begun) == AT_ONCE:
            self.attend_at = 0.0
        if len(self.holding.servers) > share.fair * 1.1 + 1:
            self._give_back(tenure, sorted(self.holding.servers)[share.fair :])
        if self.done_at.is_due("compare", COMPARE_EVERY_S):
            self.compare(tenure)
        tenure.ask_to_lead()

    def tail(self, tenure: Tenure) -> None:
        """Folds what is new into the missions that it belongs to."""
        news = tenure.feed.look()
        self.done_at.mark("tail")
        if news is None:
            self._catch_up(tenure, list(self.holding.servers.values()))
            self.attend_at = 0.0
            return
        for each in news:
            mission_id = int(each.stream.partition(":")[2])
            if each.kind == "mission.process_changed":
                self.attend_at = 0.0
            if mission_id in self.holding.servers:
                self._guarded(tenure, mission_id, partial(self._fold, tenure, mission_id, each))
        if news:
            self.lag_s = news[-1].age_s

    def _look_again(self, tenure: Tenure) -> None:
        """Folds what is new when something else took long meanwhile: nothing waits for the end of the turn."""
        if self.done_at.left_s("tail", LOOK_EVERY_S) <= 0:
            self.tail(tenure)

    def compare(self, tenure: Tenure) -> None:
        """Holds what is in memory against the rows: what is ours is loaded, what is not is forgotten."""
        mine = set(hosting.owned(tenure.owner))
        self.holding.drop(self.holding.servers.keys() - mine)
        self._load(tenure, mine - self.holding.servers.keys())
        self._catch_up(tenure, list(self.holding.servers.values()))

    def consider(self, tenure: Tenure) -> None:
        """Lets advice follow for missions that changed, and for those whose time has come."""
        now = timezone.now()
        waiting = self.holding.touched or self.holding.next_due() <= now.timestamp()
        if not (waiting and self.done_at.is_due("consider", CONSIDER_EVERY_S)):
            return
        chosen = self.holding.take_touched(now.timestamp(), AT_ONCE)
        asked = {pk: self.holding.servers[pk].standing for pk in chosen if pk in self.holding.servers}
        try:
            self._advise(tenure, asked, now)
        except POISON:
            for pk, standing in asked.items():
                self._guarded(tenure, pk, partial(self._advise, tenure, {pk: standing}, now))
        except DatabaseError as fault:
            if is_outage(fault):
                raise
            log.error("Advice failed and is tried again later: %s", fault)
            self.holding.remember(dict.fromkeys(asked, now.timestamp() + BEAT_S))

    def show(self, tenure: Tenure, *, at_once: bool = False) -> None:
        """Writes standings that changed, for those who read rows."""
        if self.holding.changed and (at_once or self.done_at.is_due("show", SHOW_EVERY_S)):
            rows = self._shown(tenure, self.holding.take_changed(AT_ONCE))
            done = keeping.show(tenure.owner.id, rows)
            for row in rows:
                self.holding.servers[row.mission_id].shown = row.seq
            self._doubt(row.mission_id for row in rows if row.mission_id not in done)

    def save(self, tenure: Tenure, *, after_s: float = SAVE_AFTER_S) -> None:
        """Writes checkpoints of missions that moved far, or that moved so long ago."""
        rows = self._packed(self.holding.to_save(time.monotonic(), after_s, AT_ONCE))
        done = keeping.save(tenure.owner.id, rows, schema=packing.SCHEMA)
        for row in rows:
            self.holding.dirty.pop(row.mission_id)
            self.holding.servers[row.mission_id].kept = row.seq
        self._doubt(row.mission_id for row in rows if row.mission_id not in done)

    def drain(self) -> None:
        """Keeps everything, gives everything back and ends this tenure."""
        end = time.monotonic() + DRAIN_S
        try:
            while self.tenure and self.holding.changed and time.monotonic() < end:
                self.show(self.tenure, at_once=True)
            while self.tenure and self.holding.dirty and time.monotonic() < end:
                self.save(self.tenure, after_s=0.0)
            if self.tenure:
                hosts.leave(self.tenure.owner.id)
        except (DatabaseError, psycopg.Error) as fault:
            log.warning("The host could not give its missions back; others will take them: %s", fault)
        self.lose()

    def lose(self) -> None:
        """Forgets everything and gives the certificate back: the next turn begins a new tenure."""
        if self.tenure is not None:
            self.tenure.end()
        self.tenure = None
        self._forget()

    def _forget(self) -> None:
        self.holding, self.chores = Holding(), Chores()
        self.attend_at, self.lag_s = 0.0, 0.0
        self.done_at: Done = Done()

    def _renew(self, tenure: Tenure) -> None:
        tenure.renew(missions=len(self.holding.servers), applied=self.holding.applied, lag_s=self.lag_s)

    def _breathe(self, tenure: Tenure) -> None:
        pulse.beat()
        if tenure.is_due:
            self._renew(tenure)

    def _load(self, tenure: Tenure, mission_ids: Collection[int], *, anew: Collection[int] = ()) -> None:
        if mission_ids:
            servers, broken = loading.load_some(mission_ids, anew=anew, breathe=partial(self._breathe, tenure))
            self.holding.add(servers, time.monotonic())
            self._crash(tenure, broken)

    def _catch_up(self, tenure: Tenure, servers: list[MissionServer]) -> None:
        before = {server.mission_id: server.seq for server in servers}
        broken = loading.catch_up(servers, breathe=partial(self._breathe, tenure))
        for server in servers:
            if server.seq != before[server.mission_id]:
                self.holding.applied += max(server.seq - before[server.mission_id], 0)
                self.holding.note(server.mission_id, time.monotonic())
        self._crash(tenure, broken)

    def _fold(self, tenure: Tenure, mission_id: int, news: News) -> None:
        told = reading.told(news.stream, news.id, news.seq, news.text, news.body)
        if not self.holding.fold(mission_id, told, time.monotonic()):
            self._catch_up(tenure, [self.holding.servers[mission_id]])

    def _advise(self, tenure: Tenure, asked: Mapping[int, Standing], now: datetime) -> None:
        self.holding.remember(advising.consider(asked, now=now, owner=tenure.owner.id))

    def _shown(self, tenure: Tenure, mission_ids: Iterable[int]) -> list[Shown]:
        now, rows = time.time(), list[Shown]()

        def add(server: MissionServer) -> None:
            standing = server.standing
            rows.append(Shown(server.mission_id, server.seq, figures.counts(standing), figures.shown(standing, now)))

        for pk in mission_ids:
            self._guarded(tenure, pk, partial(add, self.holding.servers[pk]))
        return rows

    def _packed(self, mission_ids: Iterable[int]) -> list[Saved]:
        servers = self.holding.servers
        return [Saved(pk, servers[pk].seq, packing.packed(servers[pk].standing)) for pk in mission_ids]

    def _give_back(self, tenure: Tenure, mission_ids: list[int]) -> None:
        """Keeps these and lets other hosts take them."""
        keeping.save(tenure.owner.id, self._packed(mission_ids), schema=packing.SCHEMA)
        hosting.release(tenure.owner, mission_ids)
        self.holding.drop(mission_ids)

    def _let_go(self, tenure: Tenure) -> None:
        """Gives back what is stopped or parked, with its last standing."""
        if self.holding.leaving:
            leaving = sorted(self.holding.leaving)[:AT_ONCE]
            keeping.show(tenure.owner.id, self._shown(tenure, leaving))
            self._give_back(tenure, [pk for pk in leaving if pk in self.holding.servers])

    def _doubt(self, mission_ids: Iterable[int]) -> None:
        """A write for these hit nothing: they are looked up again, since somebody else holds them."""
        if doubtful := list(mission_ids):
            self.holding.drop(doubtful)
            self.done_at.pop("compare", None)
            self.attend_at = 0.0

    def _guarded(self, tenure: Tenure, mission_id: int, do: Callable[[], object]) -> None:
        """Does something for one mission; what its state makes it raise crashes this mission alone."""
        try:
            do()
        except POISON as problem:
            self._crash(tenure, {mission_id: problem})

    def _crash(self, tenure: Tenure, broken: Mapping[int, Exception]) -> None:
        for pk, problem in broken.items():
            log.error("The process of mission %s crashed: %s", pk, problem)
            self.holding.drop([pk])
            trace = "".join(traceback.format_exception(problem))
            process = hosting.crash(tenure.owner, pk, trace, now=timezone.now())
            if process and process.restart_at:
                self.attend_at = min(self.attend_at, process.restart_at.timestamp())
