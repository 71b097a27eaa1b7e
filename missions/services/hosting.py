"""The mission processes as rows: a host takes those that are wanted, and gives back those that are not.

Every write carries the state that it was decided on in its WHERE clause, so that two hosts cannot both make it.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q

from missions.events import ProcessChanged
from missions.models import MissionProcess
from missions.restarts import is_due
from traceability import ledger
from traceability.events import SYSTEM

State = MissionProcess.State

SILENT_AFTER = timedelta(seconds=90)
"""A process whose host has not beaten for so long is free to be taken by another."""


def take_wanted(*, host: str, now: datetime, at_most: int = 500) -> list[int]:
    """Takes wanted processes that run nowhere, crashed ones after a pause that doubles; answers their missions' ids."""
    lost = Q(state=State.RUNNING) & (Q(beat_at__lt=now - SILENT_AFTER) | Q(beat_at__isnull=True))
    free = Q(state__in=[State.STARTING, State.CRASHED]) | lost
    with ledger.writing():
        rows = MissionProcess.objects.select_for_update(of=("self",), skip_locked=True).select_related("mission")
        found = rows.filter(free, wanted=True).order_by("mission_id")[:at_most]
        taken = [each for each in found if each.state != State.CRASHED or is_due(each.restarts, each.since, now)]
        for process in taken:
            was_lost = process.state == State.RUNNING
            process.restarts += was_lost
            process.state, process.host, process.since, process.beat_at = State.RUNNING, host, now, now
            process.save(update_fields=["state", "host", "since", "beat_at", "restarts"])
            detail = "taken over from a host that went silent" if was_lost else ""
            told = ProcessChanged(mission=process.mission.ref, state=process.state, host=host, detail=detail)
            ledger.record(told, actor=SYSTEM, at=now)
    return [process.mission_id for process in taken]


def give_back_unwanted(*, now: datetime) -> int:
    """Stops processes that nobody wants any more; answers how many."""
    with ledger.writing():
        rows = MissionProcess.objects.select_for_update(of=("self",), skip_locked=True).select_related("mission")
        ended = list(rows.filter(wanted=False).exclude(state=State.STOPPED).order_by("mission_id"))
        for process in ended:
            process.state, process.since = State.STOPPED, now
            process.save(update_fields=["state", "since"])
            ledger.record(ProcessChanged(mission=process.mission.ref, state=process.state), actor=SYSTEM, at=now)
    return len(ended)


def beat(*, host: str, now: datetime) -> list[int]:
    """Says that this host's processes live; answers the ids of their missions."""
    mine = MissionProcess.objects.filter(wanted=True, state=State.RUNNING, host=host)
    mine.update(beat_at=now)
    return list(mine.order_by("mission_id").values_list("mission_id", flat=True))


def crash(mission_id: int, error: str, *, host: str, now: datetime) -> None:
    """Marks one process as crashed; the others go on, and the next turn takes it again."""
    with ledger.writing():
        rows = MissionProcess.objects.filter(mission_id=mission_id, state=State.RUNNING, host=host)
        hit = rows.update(state=State.CRASHED, last_error=error[:2000], restarts=F("restarts") + 1, since=now)
        if hit:
            process = MissionProcess.objects.select_related("mission").get(mission_id=mission_id)
            told = ProcessChanged(mission=process.mission.ref, state=process.state, host=host, detail=error[:300])
            ledger.record(told, actor=SYSTEM, at=now)


def give_back_all(*, host: str, now: datetime) -> int:
    """On drain: this host's processes start elsewhere, or here again after the restart."""
    with ledger.writing():
        rows = MissionProcess.objects.select_for_update(of=("self",)).select_related("mission")
        left = list(rows.filter(wanted=True, state=State.RUNNING, host=host).order_by("mission_id"))
        for process in left:
            process.state, process.host, process.since = State.STARTING, "", now
            process.save(update_fields=["state", "host", "since"])
            told = ProcessChanged(mission=process.mission.ref, state=process.state, detail=f"{host} drains")
            ledger.record(told, actor=SYSTEM, at=now)
    return len(left)
