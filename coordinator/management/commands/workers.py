"""`manage.py workers [hosts=1] [default=2] [exec=2] [health=1]`: the background work, until Ctrl-C or SIGTERM."""

from argparse import ArgumentParser
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from coordinator import schedules
from missions.supervision import presence
from missions.supervision.crew import Crew

MOST = 64


class Command(BaseCommand):
    help = (
        "Runs the background workers: hosts of mission processes, short jobs (default), executions (exec) and checks "
        "of adapters (health). Ctrl-C or SIGTERM ends them in order."
    )
    requires_system_checks: list[str] = []
    """They read every page's code, and who starts this again after a crash has no time for that."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "counts",
            nargs="*",
            metavar="ROLE=COUNT",
            help="how many workers of a role, such as exec=4; 0: none on this machine. A role that is not named has "
            "as many as the settings say (MISSION_HOSTS, WORKERS, EXECUTIONS, HEALTH_WORKERS).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = settings.WORKERS_BY_ROLE | dict(map(_asked, options.get("counts") or ()))
        if not any(counts.values()):
            raise CommandError("There is nothing to run: every role has 0 workers.")
        for line in schedules.TABLE:  # loaded before the fork, so that the workers share it
            import_module(line.job.rpartition(".")[0])
        Crew(counts, prepare=lambda: schedules.ensure(timezone.now())).run()


def _asked(word: str) -> tuple[str, int]:
    role, _, count = word.partition("=")
    if role not in presence.ROLES:
        raise CommandError(f"{word!r}: a role is one of {_listed(presence.ROLES)}; write exec=2.")
    if not (count.isascii() and count.isdigit() and len(count) < 4 and int(count) <= MOST):
        raise CommandError(f"{word!r}: say how many, 0 to {MOST}; write {role}=2.")
    return role, int(count)


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
