"""`manage.py mission_restart KEY...`: starts processes again that were parked or have crashed."""

from datetime import datetime

from missions.management.acting import ActingCommand
from missions.models import Mission
from missions.services import hosting
from traceability.events import Actor


class Command(ActingCommand):
    help = "Starts the processes of missions again that crashed or were parked; no crash counts against them then."
    done = "The process of {} starts again."

    def act(self, mission: Mission, *, actor: Actor, now: datetime) -> int | None:
        hosting.restart(mission, actor=actor, now=now)
        return None
