"""`manage.py policy_import DIR`: makes the policies what their files say, a revision where something differs."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import UNDONE, RecordCommand
from policies import files
from policies.files import Misread
from policies.models import Policy
from policies.services import importing
from policies.services.importing import Step
from policies.starting import STARTERS
from policies.vocabulary import PolicyStatus
from traceability.events import SYSTEM


class Command(RecordCommand):
    help = (
        "Compare the policies with their files, and with --apply make them what the files say: all or none."
        " Exit code 0: done; 1: a file is wrong, which names its line; 2: it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, help="files of policies, or directories with such files")
        parser.add_argument("--starters", action="store_true", help="add the starters that are not there, as drafts")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--apply", action="store_true", help="store what differs")
        way.add_argument("--dry-run", action="store_true", help="only tell what differs (the usual way)")

    def handle(self, *args: Any, **options: Any) -> None:
        paths = [*options["files"], *([STARTERS] if options["starters"] else [])]
        if not paths:
            raise CommandError("Name files or directories, or give --starters.", returncode=UNDONE)
        try:
            steps = [each for each in importing.plan(files.read_all(paths)) if not _kept_starter(each)]
            if options["apply"]:
                importing.carry_out(steps, actor=SYSTEM, now=timezone.now(), note="Imported from a file.")
        except Misread as wrong:
            raise CommandError(str(wrong), returncode=1) from wrong
        self._tell(steps, applied=options["apply"], whole=bool(options["files"]))

    def _tell(self, steps: list[Step], *, applied: bool, whole: bool) -> None:
        for step in steps:
            more = f" ({', '.join(step.changed)})" if step.changed else ""
            self.stdout.write(f"{step.word:8} {step.file.key}{more}")
        if whole:
            known = [step.file.key for step in steps]
            left = Policy.objects.exclude(status=PolicyStatus.ARCHIVED).exclude(policy_id__in=known)
            for key in left.order_by("policy_id").values_list("policy_id", flat=True):
                self.stdout.write(f"{'no file':8} {key}")
        differing = sum(step.word != "same" for step in steps)
        done = "stored" if applied else "would be stored; --apply stores them"
        self.stdout.write(f"{differing} of {len(steps)} {done}.")


def _kept_starter(step: Step) -> bool:
    """A starter that somebody has added already is theirs."""
    return step.stored is not None and Path(step.file.name).parent == STARTERS
