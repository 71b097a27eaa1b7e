"""The base of commands that do one thing to each of some missions, as the system or as a person."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from datetime import datetime
from typing import Any, ClassVar

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.auth import actor_for
from accounts.models import User
from coordinator.lib.commands import UNDONE, RecordCommand
from coordinator.lib.errors import Refusal
from missions.models import Mission
from traceability.events import SYSTEM, Actor

SCOPE = "missions:write"


class ActingCommand(RecordCommand, ABC):
    """What is refused for one mission spares the others; then the exit code is 1."""

    done: ClassVar[str]
    """What is said of a mission that it was done to: `{} was started.`"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("missions", nargs="+", metavar="KEY", help="ids or public keys of missions")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="on whose account; without it, the system's")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, now = _actor(options["email"]), timezone.now()
        refused = sum(not self._done_to(key, actor, now) for key in options["missions"])
        if refused:
            raise CommandError(f"{refused} of {len(options['missions'])} were not done.", returncode=1)

    @abstractmethod
    def act(self, mission: Mission, *, actor: Actor, now: datetime) -> int | None:
        """Does it; answers the approval that holds it, if one does. Raises Refusal."""

    def _done_to(self, key: str, actor: Actor, now: datetime) -> bool:
        try:
            mission = Mission.objects.identified(key)
            approval = self.act(mission, actor=actor, now=now)
        except Refusal as refusal:
            self.stderr.write(f"{key}: {refusal.detail}")
            return False
        if approval is not None:
            self.stderr.write(f"{mission.key}: a policy holds this until approval {approval} is decided.")
            return False
        self.stdout.write(self.done.format(mission.key))
        return True


def _actor(email: str | None) -> Actor:
    if email is None:
        return SYSTEM
    user = User.objects.identified(email)
    if not user.is_active or SCOPE not in user.scopes:
        raise CommandError(f"{email} may not do this: the account needs the scope {SCOPE}.", returncode=UNDONE)
    return actor_for(user)
