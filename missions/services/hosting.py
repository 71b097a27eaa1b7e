"""Mission processes as rows: a host takes those that are free, and every change carries its owner in the WHERE clause.

Where a process runs is no history. That it starts, runs, crashes, is parked or stops is told in the mission's stream.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q

from coordinator.lib.errors import ImpossibleMove
from missions import restarts
from missions.events import ProcessChanged
from missions.models import Mission, MissionHost, MissionProcess
from missions.services import hosts
from traceability import ledger
from traceability.events import SYSTEM, Actor

State = MissionProcess.State

CLAIM = """
WITH free AS (
    SELECT mission_id FROM missions_missionprocess
    WHERE wanted AND state = 'running' AND owner_id IS NULL
    ORDER BY mission_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE missions_missionprocess AS process SET owner_id = %(me)s, host = %(machine)s, epoch = epoch + 1
FROM free WHERE process.mission_id = free.mission_id AND EXISTS (
    SELECT FROM missions_missionhost WHERE id = %(me)s AND state = 'alive'
)
RETURNING process.mission_id
"""
RELEASE = """
UPDATE missions_missionprocess SET owner_id = NULL, host = ''
WHERE owner_id = %(me)s AND mission_id = ANY(%(missions)s)
"""
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Owner:
    """A host as the owner of missions: its row id and its machine."""

    id: int
    machine: str


def claim(owner: Owner, *, most: int) -> list[int]:
    """Takes running processes that nobody holds; answers their missions' ids."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"me": owner.id, "machine": owner.machine, "most": most})
        return sorted(mission_id for (mission_id,) in cursor.fetchall())


def begin(owner: Owner, *, now: datetime, most: int = 1, only: int | None = None) -> dict[int, int]:
    """Starts wanted processes that nobody holds, and crashed ones whose pause is over; `only` this mission's.

    Answers how many crashes count against each, by mission id. A host that was declared dead starts none.
    """
    with ledger.writing():
        if not MissionHost.objects.select_for_update(no_key=True).filter(pk=owner.id, state="alive").exists():
            return {}
        rows = MissionProcess.objects.select_for_update(of=("self",), skip_locked=True).select_related("mission")
        due = rows.filter(_startable(owner, now), **({} if only is None else {"pk": only}))
        found = list(due.order_by("mission_id")[:most])
        mine = MissionProcess.objects.filter(pk__in=[each.pk for each in found])
        mine.update(state=State.RUNNING, owner=owner.id, host=owner.machine, epoch=F("epoch") + 1, since=now)
        for process in found:
            told = ProcessChanged(mission=process.mission.ref, state=State.RUNNING, host=owner.machine)
            ledger.record(told, actor=SYSTEM, at=now)
    return {process.mission_id: len(restarts.counting(process.crashes, now)) for process in found}


def startable(owner: Owner, *, now: datetime, most: int) -> list[int]:
    """The missions whose processes this host may start now."""
    rows = MissionProcess.objects.filter(_startable(owner, now)).order_by("mission_id")
    return list(rows.values_list("mission_id", flat=True)[:most])


def _startable(owner: Owner, now: datetime) -> Q:
    due = Q(state=State.STARTING) | Q(state=State.CRASHED, restart_at__lte=now)
    return due & (Q(owner=None) | Q(owner=owner.id)) & Q(wanted=True)


def owned(owner: Owner) -> list[int]:
    """The missions whose processes this host holds, those that it is to let go with their last state among them."""
    rows = MissionProcess.objects.filter(owner=owner.id).exclude(state__in=[State.STARTING, State.CRASHED])
    return list(rows.values_list("mission_id", flat=True))


def release(owner: Owner, missions: Collection[int]) -> None:
    """Gives processes back, to be taken by another host or, when they are stopped, by none."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"me": owner.id, "missions": list(missions)})


def crash(owner: Owner, mission_id: int, error: str, *, now: datetime) -> MissionProcess | None:
    """Tells that one process crashed; it starts again after a pause, or is parked when it crashed too often.

    None when the process is no longer this owner's.
    """
    with ledger.writing():
        rows = MissionProcess.objects.select_for_update(of=("self",)).select_related("mission")
        process = rows.filter(mission_id=mission_id, owner=owner.id, state=State.RUNNING).first()  # one at most
        if process is None:
            return None
        process.crashes = [*restarts.counting(process.crashes, now), now.timestamp()]
        process.restarts += 1
        if restarts.too_many(process.crashes, now):
            process.state, process.restart_at, process.owner, process.host = State.PARKED, None, None, ""
        else:
            process.state = State.CRASHED
            process.restart_at = now + restarts.pause_after(len(process.crashes))
        process.last_error, process.last_error_at, process.since = error[-8000:], now, now
        process.save()
        detail = error.strip().rpartition("\n")[2][:300]
        told = ProcessChanged(mission=process.mission.ref, state=process.state, host=owner.machine, detail=detail)
        ledger.record(told, actor=SYSTEM, at=now)
    return process


def restart(mission: Mission, *, actor: Actor, now: datetime) -> MissionProcess:
    """Starts a parked or crashed process again, with no crash counting against it. Raises ImpossibleMove."""
    with ledger.writing():
        process = MissionProcess.objects.select_for_update(of=("self",)).select_related("mission").get(mission=mission)
        if process.state not in (State.PARKED, State.CRASHED):
            raise ImpossibleMove(
                f"The process of mission {mission.key} is {process.state}; there is nothing to restart."
            )
        process.state, process.crashes, process.restart_at, process.since = State.STARTING, [], None, now
        process.owner, process.host = None, ""
        process.save()
        ledger.record(ProcessChanged(mission=process.mission.ref, state=process.state), actor=actor, at=now)
    return process


def rescue() -> dict[str, Any]:
    """Declares hosts dead that are, and frees what they held; living ones take it within two seconds."""
    gone = hosts.bury_dead()
    return {"hosts": gone.hosts, "missions": gone.freed}


def forget_old(*, now: datetime) -> int:
    """Removes hosts that ended a day ago; answers how many."""
    old = MissionHost.objects.filter(ended_at__lt=now - FORGOTTEN_AFTER, processes=None)
    return old.delete()[0]
