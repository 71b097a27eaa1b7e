"""The base of commands on the record: what they cannot do is one line and exit code 2, never a stack trace."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, InternalError, OperationalError

from coordinator.lib.errors import Refusal

UNDONE = 2
"""The exit code of a command that could not do its work."""

LOST = ("08", "57P")
"""SQLSTATEs, by their beginnings, of a connection that is gone; a connection that was never made has none."""


class RecordCommand(BaseCommand):
    """A command whose refusals, and whatever it cannot reach, are told in one line."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError, InternalError) as lost:
            raise CommandError(_lost(lost), returncode=UNDONE) from lost
        except Refusal as refusal:
            raise CommandError(refusal.detail, returncode=UNDONE) from refusal
        except OSError as away:
            raise CommandError(unreachable(away), returncode=UNDONE) from away


def unreachable(problem: OSError) -> str:
    """The file or directory, and what stands against it."""
    where = f"{problem.filename}: " if problem.filename else ""
    return f"{where}{problem.strerror or problem}."


def _lost(problem: Exception) -> str:
    said = next(iter(str(problem).strip().splitlines()), "the connection was lost").rstrip(".")
    state = getattr(problem.__cause__, "sqlstate", None)
    if state is None or state.startswith(LOST):
        return f"The database is away: {said}. `python manage.py doctor` says more."
    return f"The database ended this: {said}."
