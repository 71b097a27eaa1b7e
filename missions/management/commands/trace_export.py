"""`manage.py trace_export`: the evidence pack of a mission, with a verifier that needs only Python."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from missions.evidence import packing
from missions.models import Mission
from traceability import checkpoints, verifying
from traceability.keys import KeyProblem
from traceability.models import Installation
from traceability.notes import NoteProblem
from traceability.services import checkpointing


class Command(RecordCommand):
    help = "Write the evidence pack of a mission: entries, checkpoints, approvals, policies, costs, and a verifier."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mission", required=True, help="its id or key")
        parser.add_argument("--out", type=Path, metavar="DIR|FILE.zip", help="evidence-KEY.zip when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            mission = Mission.objects.identified(options["mission"])
            place = options["out"] or Path(f"{packing.name_of(mission)}.zip")
            if place.exists() and (place.is_file() or any(place.iterdir())):
                raise CommandError(f"{place} is there already.")
            self._export(mission, place)
        except (KeyProblem, NoteProblem) as problem:
            raise CommandError(str(problem)) from problem

    def _export(self, mission: Mission, place: Path) -> None:
        """With a fresh checkpoint, so that every entry in the pack is fixed by one."""
        directory, keyring = checkpoints.here(), checkpoints.keyring()
        checkpointing.take(directory, keyring, now=timezone.now())
        record = verifying.of_this_installation()
        signer = keyring.key(checkpoints.origin(Installation.objects.get().uuid))
        made = packing.files(mission, record, directory, signer=signer, now=timezone.now())
        folder = packing.name_of(mission)
        packing.write(made, place, folder)
        inside = f"{folder}/verify.py" if place.suffix == ".zip" else f"{place}/verify.py"
        self.stdout.write(f"{place}: {len(made)} files; check it with python3 {inside} KEY, the public key you kept.")
        for each in (*record.findings, *record.unchecked):
            self.stderr.write(f"The checkpoints here are not in order: {each}")
