"""`manage.py trace_archive`: moves the entries of closed streams to files that stay verifiable."""

import json
from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import UNDONE, RecordCommand, unreachable
from coordinator.lib.errors import Refusal
from missions import archiving
from missions.archiving import Closed
from missions.models import Mission
from traceability.events import SYSTEM
from traceability.services import archiving as moving
from traceability.services import erasing_archived
from traceability.services.archiving import Moved

CLOSED_FOR_DAYS = 90
MOST_DAYS = 36_500


def days(text: str) -> float:
    """So many days, a part of one too. Raises ArgumentTypeError."""
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found <= MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of days")
    return found


class Command(RecordCommand):
    help = "Move the entries of missions that ended (with --agents: of agents that went away) to files in ARCHIVE_DIR."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mission", action="append", metavar="M", help="only this one, by id or key; may be repeated"
        )
        parser.add_argument(
            "--closed-for",
            type=days,
            default=CLOSED_FOR_DAYS,
            metavar="DAYS",
            help=f"ended, and silent since, for so many days (default {CLOSED_FOR_DAYS})",
        )
        parser.add_argument("--agents", action="store_true", help="also agents that were offline for so long")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be moved")
        parser.add_argument("--json", action="store_true", help="print one JSON object for each file")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        found = self.closed(options, now - timedelta(days=options["closed_for"]))
        if not found and not options["json"]:
            self.stdout.write("Nothing to archive.")
        if options["dry_run"]:
            for each in found:
                self.say(f"{each.stream} ({each.key}): {each.entries} entries", options, **vars(each))
            return
        try:
            self.move_all(found, options, now)
        except OSError as problem:
            raise CommandError(_unwritable(problem), returncode=UNDONE) from problem

    def move_all(self, found: list[Closed], options: dict[str, Any], now: datetime) -> None:
        if mended := erasing_archived.mend():
            self.stderr.write(f"{mended} files were written anew: they still held texts whose erasure is on record.")
        refused = [each for each in found if not self.move(each, options, now)]
        if refused:
            raise CommandError(f"{len(refused)} of {len(found)} streams were not archived.", returncode=1)

    def closed(self, options: dict[str, Any], before: datetime) -> list[Closed]:
        if options["mission"] is None:
            agents = archiving.absent_agents(before) if options["agents"] else []
            return archiving.closed_missions(before) + agents
        missions = [Mission.objects.identified(key) for key in options["mission"]]
        found = archiving.closed_missions(before, among=missions)
        there = {each.key for each in found}
        if left := [mission for mission in missions if mission.key not in there]:
            raise CommandError("\n".join(archiving.why_open(mission, before) for mission in left), returncode=1)
        return found

    def move(self, closed: Closed, options: dict[str, Any], now: datetime) -> bool:
        """Moves one stream; False when something stood against it, which is told."""
        try:
            for moved in moving.archive(closed.stream, settings.ARCHIVE_DIR, actor=SYSTEM, now=now):
                self.tell(moved, options)
        except Refusal as refusal:
            self.stderr.write(f"{closed.stream} ({closed.key}): {refusal.detail}")
            return False
        return True

    def tell(self, moved: Moved, options: dict[str, Any]) -> None:
        text = f"{moved.stream}: entries {moved.first_seq} to {moved.last_seq} to {moved.path} ({moved.size} bytes)"
        self.say(text, options, **{**vars(moved), "path": str(moved.path)})

    def say(self, text: str, options: dict[str, Any], **data: Any) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def _unwritable(problem: OSError) -> str:
    return f"The directory of archives, ARCHIVE_DIR={settings.ARCHIVE_DIR}, cannot be used: {unreachable(problem)}"
