"""Starting, pausing, completing and cancelling missions, with their process trees."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django_q.tasks import async_task

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, ImpossibleMove
from missions import facts
from missions.events import MissionMoved, MissionMoveRefused, ProcessChanged
from missions.lifecycle import MISSION_MOVES, MissionStatus, is_open, open_text
from missions.models import Mission, MissionProcess
from policies.services import deciding
from traceability import ledger
from traceability.events import Actor

STATE = MissionProcess.State


class MissionBlockedByPolicy(Conflict):
    """A policy blocks this move of the mission."""


def move_mission(
    mission: Mission, after: MissionStatus, *, expected: int | None, actor: Actor, now: datetime
) -> int | None:
    """Moves the mission and starts or stops its process; the answer is the approval that holds the move, or None.

    Raises ImpossibleMove, MissionBlockedByPolicy (the refusal stays on record), Stale.
    """
    with ledger.writing():
        mission = Mission.objects.select_for_update().get(pk=mission.pk)
        versions.require(mission, expected)
        before = MissionStatus(mission.status)
        if not is_open(MISSION_MOVES, before, after):
            raise ImpossibleMove(
                f"A mission that is {before} cannot become {after}. {open_text(MISSION_MOVES[before])}"
            )
        verdict = deciding.decide(
            point="mission_transition",
            action=facts.of_mission_move(mission, before, after, now=now),
            mission=mission.ref,
            task=None,
            agent=None,
            actor=actor,
            now=now,
        )
        if verdict.outcome == "block":
            told = MissionMoveRefused(mission=mission.ref, before=before, after=after, decisions=verdict.as_data())
            ledger.record(told, actor=actor, at=now)
        elif verdict.outcome != "escalate":
            apply(mission, after, actor=actor, now=now, decisions=verdict.as_data())
    if verdict.outcome == "block":
        texts = "; ".join(each["message"] for each in verdict.as_data() if each["outcome"] == "block")
        raise MissionBlockedByPolicy(f"Mission {mission.key} was not moved: {texts}", decisions=verdict.as_data())
    return verdict.approval_id if verdict.outcome == "escalate" else None


def apply(
    mission: Mission, after: MissionStatus, *, actor: Actor, now: datetime, decisions: list[dict[str, Any]]
) -> None:
    """Moves a locked mission along the table, without asking the policies."""
    before = MissionStatus(mission.status)
    marks: dict[str, Any] = {}
    if after == MissionStatus.ACTIVE:
        marks["started_at"] = mission.started_at or now
    if after in {MissionStatus.COMPLETED, MissionStatus.CANCELLED}:
        marks["ended_at"] = now
    versions.bump(mission, now=now, status=after, **marks)
    ledger.record(
        MissionMoved(mission=mission.ref, before=before, after=after, decisions=decisions), actor=actor, at=now
    )
    want_process(mission, after == MissionStatus.ACTIVE, actor=actor, now=now)


def want_process(mission: Mission, wanted: bool, *, actor: Actor, now: datetime) -> None:
    """Says in rows whether the mission's process tree shall run; a worker acts on it, woken after the commit."""
    process = MissionProcess.objects.select_for_update().get(mission=mission)
    if process.wanted == wanted:
        return
    process.wanted, process.since = wanted, now
    process.state = STATE.STARTING if wanted else STATE.STOPPED
    process.host = "" if not wanted else process.host
    process.save(update_fields=["wanted", "since", "state", "host"])
    ledger.record(ProcessChanged(mission=mission.ref, state=process.state), actor=actor, at=now)
    if wanted:
        transaction.on_commit(wake)


def wake() -> None:
    """Asks a worker to look at the mission processes now; a lost wake-up is made good by the next beat."""
    async_task("missions.jobs.beat", save=False)
