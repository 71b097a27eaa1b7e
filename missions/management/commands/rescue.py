"""`manage.py rescue`: does at once what living hosts do by themselves, for when there is doubt that any lives."""

from typing import Any

from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from missions.services import claiming, hosting, waking
from missions.supervision import executor, spawning, watching


class Command(RecordCommand):
    help = (
        "Declares dead hosts dead and frees their missions, ends lapsed claims and lost runs, asks again for runs that "
        "wait, and for a host when none lives. Harmless at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        freed = hosting.rescue()
        gone = ", ".join(map(str, freed["hosts"])) or "none"
        self.stdout.write(f"Hosts declared dead: {gone}. Missions freed: {freed['missions']}.")
        self.stdout.write(f"Claims ended: {claiming.expire(now=now)}. Lost runs ended: {executor.bury(now=now)}.")
        self.stdout.write(f"Runs asked for again: {waking.wake_waiting(now=now)}.")
        if watching.hosts():
            self.stdout.write("Hosts live and take what is free within two seconds.")
        else:
            asked = "A host was asked for" if spawning.revive(now=now) else "A host has been asked for already"
            self.stdout.write(f"No host lives. {asked}; `python manage.py workers` runs them.")
