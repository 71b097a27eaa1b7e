"""Who takes part in a mission: agents and people, each with a role."""

from datetime import datetime
from typing import Any

from coordinator.lib.errors import Missing
from missions.events import ParticipantJoined, ParticipantLeft
from missions.models import Mission, Participation
from traceability import ledger
from traceability.events import Actor


def join(mission: Mission, who: Any, *, role: str, actor: Actor, now: datetime) -> tuple[Participation, bool]:
    """Lets an agent or a person take part; a repeat changes the role. Answers the row and whether it is new."""
    kind = kind_of(who)
    with ledger.writing():
        found = Participation.objects.select_for_update().filter(mission=mission, **{kind: who}).first()
        if found and found.role == role:
            return found, False
        new = found is None
        part = found or Participation(mission=mission, joined_at=now, **{kind: who})
        part.role = role
        part.save()
        told = ParticipantJoined(
            mission=mission.ref, participant=str(who), participant_kind=kind, role=role, **_agent(kind, who)
        )
        ledger.record(told, actor=actor, at=now)
    return part, new


def leave(mission: Mission, who: Any, *, actor: Actor, now: datetime) -> None:
    """Ends the participation. Raises Missing when there is none."""
    kind = kind_of(who)
    with ledger.writing():
        gone, _ = Participation.objects.filter(mission=mission, **{kind: who}).delete()
        if not gone:
            raise Missing(f"{who} takes no part in mission {mission.key}.")
        told = ParticipantLeft(mission=mission.ref, participant=str(who), participant_kind=kind, **_agent(kind, who))
        ledger.record(told, actor=actor, at=now)


def kind_of(who: Any) -> str:
    return "agent" if hasattr(who, "agent_id") else "member"


def _agent(kind: str, who: Any) -> dict[str, Any]:
    return {"agent": who.ref} if kind == "agent" else {}
