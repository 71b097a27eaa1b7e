"""`manage.py trace_export`: the evidence pack of a mission, with a verifier that needs only Python."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.errors import Refusal
from missions.evidence import packing
from missions.models import Mission
from traceability import checkpoints, verifying
from traceability.keys import KeyProblem
from traceability.notes import NoteProblem
from traceability.services import checkpointing
from traceability.services.checkpointing import NotOurCheckpoint


class Command(BaseCommand):
    help = "Write the evidence pack of a mission: entries, checkpoints, approvals, policies, costs, and a verifier."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mission", required=True, help="its id or key")
        parser.add_argument("--out", type=Path, metavar="DIR|FILE.zip", help="evidence-KEY.zip when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            mission = Mission.objects.identified(options["mission"])
            place = options["out"] or Path(f"evidence-{mission.key.replace(':', '-')}.zip")
            if place.exists() and (place.is_file() or any(place.iterdir())):
                raise CommandError(f"{place} is there already.")
            self._export(mission, place)
        except (Refusal, KeyProblem, NoteProblem, OSError) as problem:
            raise CommandError(str(problem)) from problem

    def _export(self, mission: Mission, place: Path) -> None:
        """With a fresh checkpoint, so that everything in the pack is signed."""
        directory = checkpoints.here()
        try:
            checkpointing.take(directory, checkpoints.keyring(), now=timezone.now())
        except (NotOurCheckpoint, KeyProblem) as problem:
            self.stderr.write(f"What came after the last checkpoint is not signed: {problem}")
        record = verifying.of_this_installation()
        made = packing.files(mission, record, directory, now=timezone.now())
        packing.write(made, place)
        self.stdout.write(f"{place}: {len(made)} files; check it with python3 verify.py inside.")
        for each in (*record.findings, *record.unchecked):
            self.stderr.write(f"The checkpoints here are not in order: {each}")
