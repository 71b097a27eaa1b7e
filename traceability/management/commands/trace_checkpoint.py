"""`manage.py trace_checkpoint`: takes a checkpoint of the record now, or hands the signing over to a new key."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from traceability import checkpoints, publishing
from traceability.keys import KeyProblem, SecretKey
from traceability.models import Checkpoint
from traceability.services import checkpointing
from traceability.services.checkpointing import NotOurCheckpoint


class Command(RecordCommand):
    help = "Take a checkpoint: a signed statement of where every stream stands, in a file outside the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rotate-key", action="store_true", help="make a new key, told by a note that both sign")
        parser.add_argument(
            "--old-key", type=Path, metavar="FILE", help="with --rotate-key: the key until now; CHECKPOINT_KEY is new"
        )

        parser.add_argument(
            "--key-lost", action="store_true", help="go on with the key that is here, for which no earlier one vouches"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = self._made(options)
        except (NotOurCheckpoint, KeyProblem) as problem:
            raise CommandError(str(problem)) from problem
        if settings.CHECKPOINT_URL:
            publishing.send_waiting(settings.CHECKPOINT_URL, timezone.now)
        if made is None:
            self.stdout.write("Nothing has moved since the last checkpoint.")
        else:
            self.stdout.write(f"Checkpoint {made.n} in {checkpoints.here()}\n\n{made.note}")

    def _made(self, options: dict[str, Any]) -> Checkpoint | None:
        directory, keyring, now = checkpoints.here(), checkpoints.keyring(), timezone.now()
        if options["key_lost"]:
            return checkpointing.begin_anew(directory, keyring, now=now)
        if not options["rotate_key"]:
            return checkpointing.take(directory, keyring, now=now)
        if keyring.given and not options["old_key"]:
            raise CommandError("CHECKPOINT_KEY is the new key: name the old one's file with --old-key.")
        old = SecretKey.read(options["old_key"].read_text()) if options["old_key"] else None
        return checkpointing.rotate(directory, keyring, old=old, now=now)
