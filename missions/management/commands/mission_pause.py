"""`manage.py mission_pause KEY...`: pauses missions, and stops their processes."""

from datetime import datetime

from missions.lifecycle import MissionStatus
from missions.management.acting import ActingCommand
from missions.models import Mission
from missions.services import steering
from traceability.events import Actor


class Command(ActingCommand):
    help = "Pauses missions, and stops their processes; policies are asked as they are over the API."
    done = "{} was paused."

    def act(self, mission: Mission, *, actor: Actor, now: datetime) -> int | None:
        return steering.move_mission(mission, MissionStatus.PAUSED, expected=None, actor=actor, now=now)
