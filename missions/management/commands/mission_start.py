"""`manage.py mission_start KEY...`: starts missions, and their processes with them."""

from datetime import datetime

from missions.lifecycle import MissionStatus
from missions.management.acting import ActingCommand
from missions.models import Mission
from missions.services import steering
from traceability.events import Actor


class Command(ActingCommand):
    help = "Starts missions, and their processes with them; policies are asked as they are over the API."
    done = "{} was started."

    def act(self, mission: Mission, *, actor: Actor, now: datetime) -> int | None:
        return steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, actor=actor, now=now)
