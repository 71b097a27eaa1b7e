"""`manage.py trace_verify`: checks the record. Exit code 0 it is whole, 1 it was changed, 2 it could not be checked."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from traceability import canonical, checkpoints, verifying
from traceability.keys import KeyProblem, PublicKey
from traceability.notes import NoteProblem
from traceability.proving.findings import Proof
from traceability.proving.record import Record
from traceability.proving.walk import Place

CHANGED, UNCHECKED = 1, 2


class Command(RecordCommand):
    help = (
        "Check every entry's number, hash, columns and texts, each stream's head, and the checkpoints."
        " Exit code 0: whole; 1: changed; 2: could not be checked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stream", help="one stream only, such as mission:12, agent:7 or org")
        parser.add_argument(
            "--from", dest="since", metavar="N", help="only what came after checkpoint N; `last`: the last one checked"
        )
        parser.add_argument("--notes", type=Path, metavar="DIR", help="compare with the checkpoints in this directory")
        parser.add_argument("--no-notes", action="store_true", help="compare with no checkpoints")
        parser.add_argument("--key", action="append", default=[], help="a public key that may sign; more than once")
        parser.add_argument("--fast", action="store_true", help="the chains only, checked by the database itself")
        parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_what_does_not_go_together(options)
        directory = options["notes"] or checkpoints.here()
        record = Record() if options["no_notes"] else self._record(options)
        checked = checkpoints.remembered(directory).get("checkpoint", 0)
        number = self._number(options["since"], checked)
        since = self._since(directory, number)
        proof = verifying.verify(options["stream"], record=record, fast=options["fast"], since=since)
        self._print(proof, options["json"])
        if options["stream"] and not (proof.heads or proof.findings):
            named = options["stream"]
            raise CommandError(f"There is no stream {named}: name one such as mission:12 or org.", returncode=UNCHECKED)
        if proof.findings:
            raise CommandError(f"History was changed: {len(proof.findings)} findings.", returncode=CHANGED)
        if proof.unchecked:
            raise CommandError("Not everything could be checked.", returncode=UNCHECKED)
        if record.notes and not (options["stream"] or options["fast"]) and number <= checked:
            checkpoints.remember(directory, record.notes[-1], canonical.moment(timezone.now()))

        if not options["json"]:
            self.stdout.write("The record is whole." if record.notes else "The record is whole in itself.")

    def _record(self, options: dict[str, Any]) -> Record:
        try:
            keys = [PublicKey.read(each) for each in options["key"]]
            return verifying.of_this_installation(options["notes"], keys)
        except KeyProblem as problem:
            raise CommandError(str(problem), returncode=UNCHECKED) from problem

    def _number(self, given: str | None, checked: int) -> int:
        """The checkpoint to go on from; 0 for everything."""
        if given in (None, "last"):
            return checked if given else 0
        if not str(given).isdecimal():
            raise CommandError(f"--from takes a checkpoint's number or `last`, not {given!r}.", returncode=UNCHECKED)
        return int(str(given))

    def _since(self, directory: Path, number: int) -> dict[str, Place]:
        try:
            return checkpoints.heads_at(directory, number)
        except NoteProblem as problem:
            raise CommandError(f"There is no going on from checkpoint {number}: {problem}.", returncode=2) from problem

    def _print(self, proof: Proof, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(proof.as_data(), indent=2))
            return
        self.stdout.write(f"{proof.entries} entries in {len(proof.heads)} streams, head {proof.head}")
        if proof.notes.checked:
            self.stdout.write(
                f"{proof.notes.checked} checkpoints, the newest is {proof.notes.newest} of {proof.notes.at}"
            )
        for each in (*proof.findings, *proof.unchecked, *proof.remarks):
            self.stdout.write(str(each))


def _refuse_what_does_not_go_together(options: dict[str, Any]) -> None:
    for one, other in (("fast", "since"), ("no_notes", "notes"), ("no_notes", "since")):
        if options[one] and options[other]:
            names = [f"--{'from' if each == 'since' else each.replace('_', '-')}" for each in (one, other)]
            raise CommandError(f"{names[0]} and {names[1]} do not go together.", returncode=UNCHECKED)
