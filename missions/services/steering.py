"""Starting, pausing, completing and cancelling missions, with their process trees."""

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from coordinator.lib import versions
from coordinator.lib.errors import ImpossibleMove, Invalid
from missions import facts
from missions.events import MissionMoved, MissionMoveHeld, MissionMoveRefused, ProcessChanged
from missions.lifecycle import MISSION_ENDED, MISSION_MOVES, MissionStatus, is_open, open_text
from missions.models import Mission, MissionProcess
from missions.services import planning, verdicts
from missions.services.verdicts import Outcome
from policies.services import deciding
from policies.services.deciding import Verdict
from traceability import ledger
from traceability.events import Actor

STATE = MissionProcess.State
BEGINNINGS = (MissionStatus.PLANNING, MissionStatus.ACTIVE)


def open_mission(
    *, status: MissionStatus = MissionStatus.PLANNING, actor: Actor, now: datetime, **fields: Any
) -> tuple[Mission, int | None]:
    """Makes a mission, and starts it when `status` says so; the second answer is the approval that holds the start.

    A policy that blocks the start blocks the whole: there is no mission then. Raises Invalid, KeyTaken,
    BlockedByPolicy.
    """
    if status not in BEGINNINGS:
        raise Invalid({"status": ["A new mission is planning or active."]})
    with ledger.writing():
        mission = planning.create_mission(**fields, actor=actor, now=now)
        if status == MissionStatus.PLANNING:
            return mission, None
        verdict = _weigh(mission, status, actor=actor, now=now)
        outcome = _settle(mission, status, verdict, actor=actor, now=now)
        outcome.raise_if_blocked(mission)
    return mission, outcome.approval


def move_mission(
    mission: Mission,
    after: MissionStatus,
    *,
    expected: int | None,
    actor: Actor,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
) -> int | None:
    """Moves the mission and starts or stops its process; the answer is the approval that holds the move, or None.

    `changes` are fields that change with the move. Raises ImpossibleMove, BlockedByPolicy (the refusal stays on
    record, and nothing else), Stale, Invalid.
    """
    with ledger.writing():
        mission = Mission.objects.select_for_update(no_key=True).get(pk=mission.pk)
        versions.require(mission, expected)
        verdict = _weigh(_proposed(mission, changes or {}), after, actor=actor, now=now)
        if verdict.outcome != "block":
            planning.change_mission(mission, changes or {}, actor=actor, now=now)
        outcome = _settle(mission, after, verdict, actor=actor, now=now)
    outcome.raise_if_blocked(mission)
    return outcome.approval


def apply(
    mission: Mission, after: MissionStatus, *, actor: Actor, now: datetime, decisions: list[dict[str, Any]]
) -> None:
    """Moves a locked mission along the table, without asking the policies. Raises ImpossibleMove."""
    before = MissionStatus(mission.status)
    _refuse_impossible(before, after)
    marks: dict[str, Any] = {}
    if after == MissionStatus.ACTIVE:
        marks["started_at"] = mission.started_at or now
    if after in MISSION_ENDED:
        marks["ended_at"] = now
        transaction.on_commit(seal)
    versions.bump(mission, now=now, status=after, **marks)
    ledger.record(
        MissionMoved(mission=mission.ref, before=before, after=after, decisions=decisions), actor=actor, at=now
    )
    want_process(mission, after == MissionStatus.ACTIVE, actor=actor, now=now)


def want_process(mission: Mission, wanted: bool, *, actor: Actor, now: datetime) -> None:
    """Says in rows whether the mission's process tree shall run; a host hears of it by the entry and acts on it."""
    process = MissionProcess.objects.select_for_update(no_key=True).get(mission=mission)
    if process.wanted == wanted:
        return
    process.wanted, process.since = wanted, now
    process.state = STATE.STARTING if wanted else STATE.STOPPED
    process.crashes, process.restarts, process.restart_at = [], 0, None
    process.save(update_fields=["wanted", "since", "state", "crashes", "restarts", "restart_at"])
    ledger.record(ProcessChanged(mission=mission.ref, state=process.state), actor=actor, at=now)


def seal() -> None:
    """Asks for a checkpoint of the record now that a mission has ended; a lost wake-up is made good by the clock."""
    if settings.CHECKPOINTS:
        async_task("traceability.jobs.checkpoint", save=False)


def _proposed(mission: Mission, changes: Mapping[str, Any]) -> Mission:
    found = copy.copy(mission)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def _weigh(mission: Mission, after: MissionStatus, *, actor: Actor, now: datetime) -> Verdict:
    """What the policies say of the move. Raises ImpossibleMove."""
    before = MissionStatus(mission.status)
    _refuse_impossible(before, after)
    return deciding.decide(
        point="mission_transition",
        action=facts.of_mission_move(mission, before, after, now=now),
        mission=mission.ref,
        task=None,
        agent=None,
        actor=actor,
        now=now,
    )


def _settle(mission: Mission, after: MissionStatus, verdict: Verdict, *, actor: Actor, now: datetime) -> Outcome:
    """Does what the verdict says with a locked mission: refuse on record, hold for approval, or move."""
    return verdicts.settle(
        verdict,
        {"mission": mission.ref, "before": MissionStatus(mission.status), "after": after},
        refused=MissionMoveRefused,
        held=MissionMoveHeld,
        make=lambda decisions: apply(mission, after, actor=actor, now=now, decisions=list(decisions)),
        actor=actor,
        now=now,
    )


def _refuse_impossible(before: MissionStatus, after: MissionStatus) -> None:
    if not is_open(MISSION_MOVES, before, after):
        moves = open_text(MISSION_MOVES[before])
        raise ImpossibleMove(f"A mission that is {before} cannot become {after}. {moves}")
