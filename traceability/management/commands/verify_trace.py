"""`manage.py verify_trace`: checks the ledger's chains; exit code 1 when history was changed."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from traceability import verifying


class Command(BaseCommand):
    help = "Check every entry's number, hash and columns, and each stream's head."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stream", help="one stream only, such as mission:12, agent:7 or org")
        parser.add_argument("--json", action="store_true", help="print the whole verdict as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verifying.verify(options["stream"])
        if options["json"]:
            self.stdout.write(json.dumps(verdict.as_data(), indent=2))
        else:
            self.stdout.write(f"{verdict.entries} entries in {len(verdict.heads)} streams, head {verdict.head}")
            for each in verdict.findings:
                self.stdout.write(f"{each.stream}#{each.seq} {each.kind}: {each.detail}")
        if verdict.findings:
            raise CommandError(f"History was changed: {len(verdict.findings)} findings.", returncode=1)
