"""A host: holds its share of the mission processes in memory and keeps each at the end of its stream.

Rows and the ledger are the truth; what is in memory may be thrown away at any time. `turn` is one round of the loop;
a slice (see `missions.supervision.slices`) makes turns until its time is over, and the next one goes on with the same
host. Every write carries the host's id, so that one that was declared dead writes nothing.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import partial

import psycopg
from django.db import DatabaseError
from django.utils import timezone

from coordinator.lib.outages import is_outage
from missions.replaying import reading
from missions.services import advising, hosting, hosts
from missions.standing.state import Standing
from missions.supervision import loading, pulse
from missions.supervision.chores import Chores
from missions.supervision.crashing import POISON, Crashes
from missions.supervision.feed import News
from missions.supervision.holding import Holding
from missions.supervision.keeper import AT_ONCE, Keeper
from missions.supervision.paces import Done
from missions.supervision.server import MissionServer
from missions.supervision.tenure import BEAT_S, Fenced, Tenure

LONGEST_WAIT_S = 0.5
LOOK_EVERY_S = 0.02
CONSIDER_EVERY_S = 0.5
CONSIDERED_AT_ONCE = 50
SHOW_EVERY_S = 0.2
COMPARE_EVERY_S = 15.0
CLAIM_AT_ONCE = 2000
DRAIN_S = 6.0
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
            self._turn(self.tenure)
        except Fenced:
            log.warning("Host %s on %s was declared dead; it begins anew.", self.tenure.owner.id, self.machine)
            self.lose()

    def wait(self, at_most_s: float) -> None:
        """Returns at the next hint that the ledger grew, or when something is due."""
        if self.tenure is None:
            return
        patience = [LONGEST_WAIT_S, at_most_s, self._attend_at() - time.time()]
        if self.holding.changed:
            patience.append(self._left_s("show", SHOW_EVERY_S, len(self.holding.changed)))
        due_s = 0.0 if self.holding.touched else self.holding.next_due() - time.time()
        patience.append(max(due_s, self._left_s("consider", CONSIDER_EVERY_S, len(self.holding.touched))))
        self.tenure.listen(max(0.0, min(patience)))

    def beat(self, tenure: Tenure) -> None:
        """Renews the lease and takes or gives back missions, so that this host holds its share. Raises Fenced."""
        self.attend_at = self.crashes.restart_at = float("inf")
        self.done_at.mark("beat")
        self._renew(tenure)
        hosts.bury_dead(me=tenure.owner.id)
        share = hosts.share()
        room = min(max(share.fair - len(self.holding.servers), 0), CLAIM_AT_ONCE)
        claimed = hosting.claim(tenure.owner, most=room) if room else []
        begun = self._begin(tenure)
        self._load(tenure, [*claimed, *begun], anew=[pk for pk, crashes in begun.items() if crashes > 1])
        if len(claimed) == CLAIM_AT_ONCE or len(begun) == AT_ONCE:
            self.attend_at = 0.0
        if len(self.holding.servers) > share.fair * 1.1 + 1:
            self.keeper.give_back(tenure, sorted(self.holding.servers)[share.fair :])
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
                self.crashes.guarded(tenure, mission_id, partial(self._fold, tenure, mission_id, each))
        if news:
            self.lag_s = news[-1].age_s

    def compare(self, tenure: Tenure) -> None:
        """Holds what is in memory against the rows: what is ours is loaded, what is not is forgotten."""
        mine = set(hosting.owned(tenure.owner))
        self.holding.drop(self.holding.servers.keys() - mine)
        self._load(tenure, mine - self.holding.servers.keys())
        self._catch_up(tenure, list(self.holding.servers.values()))

    def consider(self, tenure: Tenure) -> None:
        """Lets advice follow for missions that changed, and for those whose time has come."""
        now = timezone.now()
        waiting = self.holding.wake_due(now.timestamp())
        if not waiting or not self._is_time("consider", CONSIDER_EVERY_S, waiting):
            return
        for part in _parts(self.holding.take_touched(AT_ONCE), CONSIDERED_AT_ONCE):
            self._consider(tenure, {pk: self.holding.servers[pk].standing for pk in part}, now)
            self.breathe(tenure)

    def show(self, tenure: Tenure) -> None:
        """Writes standings that changed, for those who read rows."""
        waiting = len(self.holding.changed)
        if waiting and self._is_time("show", SHOW_EVERY_S, waiting):
            self.keeper.show(tenure)

    def drain(self) -> None:
        """Keeps everything, gives everything back and ends this tenure."""
        end = time.monotonic() + DRAIN_S
        try:
            while self.tenure and self.holding.changed and time.monotonic() < end:
                self.keeper.show(self.tenure)
            while self.tenure and self.holding.dirty and time.monotonic() < end:
                self.keeper.save(self.tenure, after_s=0.0)
            if self.tenure:
                hosts.leave(self.tenure.owner.id)
        except (DatabaseError, psycopg.Error, Fenced) as fault:
            log.warning("The host could not give its missions back; others will take them: %s", fault)
        self.lose()

    def lose(self) -> None:
        """Forgets everything and gives the certificate back: the next turn begins a new tenure."""
        if self.tenure is not None:
            self.tenure.end()
        self.tenure = None
        self._forget()

    def breathe(self, tenure: Tenure) -> None:
        """Shows life and renews the lease when that is due, in the middle of something long. Raises Fenced."""
        pulse.beat()
        if tenure.is_due:
            self._renew(tenure)

    def _forget(self) -> None:
        self.holding, self.chores, self.done_at = Holding(), Chores(), Done()
        self.crashes = Crashes(self.holding)
        self.keeper = Keeper(self.holding, self.crashes, self.breathe)
        self.attend_at, self.lag_s = 0.0, 0.0

    def _turn(self, tenure: Tenure) -> None:
        if time.time() >= self._attend_at() or self.done_at.is_due("beat", BEAT_S):
            self.beat(tenure)
        self.tail(tenure)
        for follow in (self.consider, self.show, self.keeper.save, self.keeper.let_go):
            follow(tenure)
            self._look_again(tenure)
        self._doubt()
        if tenure.leads:
            self.chores.run(timezone.now(), between=partial(self._look_again, tenure))

    def _look_again(self, tenure: Tenure) -> None:
        """Folds what is new when something else took long meanwhile: nothing waits for the end of the turn."""
        self.breathe(tenure)
        if self.done_at.left_s("tail", LOOK_EVERY_S) <= 0:
            self.tail(tenure)

    def _attend_at(self) -> float:
        """When rows are to be looked at before the next beat is due, in seconds since 1970."""
        return min(self.attend_at, self.crashes.restart_at)

    def _left_s(self, what: str, every_s: float, waiting: int) -> float:
        """How long until it is due again; more than can be done at once does not wait."""
        return 0.0 if waiting >= AT_ONCE else self.done_at.left_s(what, every_s)

    def _is_time(self, what: str, every_s: float, waiting: int) -> bool:
        due = self._left_s(what, every_s, waiting) <= 0
        if due:
            self.done_at.mark(what)
        return due

    def _renew(self, tenure: Tenure) -> None:
        tenure.renew(missions=len(self.holding.servers), applied=self.holding.applied, lag_s=self.lag_s)

    def _begin(self, tenure: Tenure) -> dict[int, int]:
        """Starts what is to start. When the database refuses one of them, the others start all the same."""
        now = timezone.now()
        try:
            return hosting.begin(tenure.owner, now=now, most=AT_ONCE)
        except DatabaseError as fault:
            if is_outage(fault):
                raise
            log.error("Processes could not be started together: %s", fault)
        begun: dict[int, int] = {}
        for mission_id in hosting.startable(tenure.owner, now=now, most=AT_ONCE):
            try:
                begun |= hosting.begin(tenure.owner, now=now, only=mission_id)
            except DatabaseError as fault:
                if is_outage(fault):
                    raise
                log.error("The process of mission %s cannot be started: %s", mission_id, fault)
        return begun

    def _load(self, tenure: Tenure, mission_ids: Collection[int], *, anew: Collection[int] = ()) -> None:
        if mission_ids:
            servers, broken = loading.load_some(mission_ids, anew=anew, breathe=partial(self.breathe, tenure))
            self.holding.add(servers, time.monotonic())
            self.crashes.crash(tenure, broken)

    def _catch_up(self, tenure: Tenure, servers: list[MissionServer]) -> None:
        before = {server.mission_id: server.seq for server in servers}
        broken = loading.catch_up(servers, breathe=partial(self.breathe, tenure))
        for server in servers:
            if server.seq != before[server.mission_id]:
                self.holding.applied += max(server.seq - before[server.mission_id], 0)
                self.holding.note(server.mission_id, time.monotonic())
        self.crashes.crash(tenure, broken)

    def _fold(self, tenure: Tenure, mission_id: int, news: News) -> None:
        told = reading.told(news.stream, news.id, news.seq, news.text, news.body)
        if not self.holding.fold(mission_id, told, time.monotonic()):
            self._catch_up(tenure, [self.holding.servers[mission_id]])

    def _consider(self, tenure: Tenure, asked: Mapping[int, Standing], now: datetime) -> None:
        try:
            self._advise(tenure, asked, now)
        except POISON:
            for pk, standing in asked.items():
                self.crashes.guarded(tenure, pk, partial(self._advise, tenure, {pk: standing}, now))
        except DatabaseError as fault:
            if is_outage(fault):
                raise
            log.error("Advice failed and is tried again later: %s", fault)
            self.holding.remember(dict.fromkeys(asked, now.timestamp() + BEAT_S))

    def _advise(self, tenure: Tenure, asked: Mapping[int, Standing], now: datetime) -> None:
        self.holding.remember(advising.consider(asked, now=now, owner=tenure.owner.id))

    def _doubt(self) -> None:
        """What was written for some missions hit nothing: they are looked up again, since somebody else holds them."""
        if self.keeper.doubtful:
            self.holding.drop(self.keeper.doubtful)
            self.keeper.doubtful.clear()
            self.done_at.pop("compare", None)
            self.attend_at = 0.0


def _parts(mission_ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(mission_ids), size):
        yield mission_ids[start : start + size]
