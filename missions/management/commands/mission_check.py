"""`manage.py mission_check [KEY... | --all]`: holds what is kept of missions against their streams. Exit 1: apart."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from coordinator.lib.commands import UNDONE, RecordCommand
from missions.models import Mission
from missions.supervision import agreeing

BATCH = 100


class Command(RecordCommand):
    help = (
        "Checks that each mission's checkpoint with the rest of its stream equals the whole stream folded anew, and "
        "that its standing and its rows say the same."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("missions", nargs="*", metavar="KEY", help="ids or public keys of missions")
        parser.add_argument("--all", action="store_true", help="every mission")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["missions"]) == options["all"]:
            raise CommandError("Name some missions, or --all of them.", returncode=UNDONE)
        if options["all"]:
            keys = dict(Mission.objects.order_by("pk").values_list("pk", "mission_id"))
        else:
            rows = [Mission.objects.identified(key) for key in options["missions"]]
            keys = {row.pk: row.key for row in rows}
        ids, found = list(keys), dict[str, list[str]]()
        for start in range(0, len(ids), BATCH):
            apart = agreeing.partings(ids[start : start + BATCH])
            found |= {keys[pk]: sentences for pk, sentences in sorted(apart.items())}
        self.tell(len(keys), found, as_json=options["json"])

    def tell(self, checked: int, found: dict[str, list[str]], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"missions": checked, "apart": found}, indent=2))
        else:
            self.stdout.write(f"{checked} missions, {checked - len(found)} agree")
            for key, sentences in found.items():
                self.stdout.write("\n".join(f"{key}: {sentence}" for sentence in sentences))
        if found:
            raise CommandError(f"{len(found)} missions do not agree with their streams.", returncode=1)
