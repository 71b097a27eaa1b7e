"""`manage.py policy_export DIR`: one file for each policy, for git. A file that says the same stays as it is."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from coordinator.lib.commands import RecordCommand
from policies import files
from policies.files import Misread
from policies.models import FIELDS, Policy
from policies.services import importing
from policies.vocabulary import PolicyStatus


class Command(RecordCommand):
    help = (
        "Write each policy into a file of its own, always in the same order. A file that already says what the policy"
        " says is left alone, with its comments."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="where the files are; made when it is not there")
        parser.add_argument(
            "--policy", action="append", default=[], metavar="KEY", help="only this one; more than once"
        )
        parser.add_argument("--archived", action="store_true", help="archived ones too")

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        rows = Policy.objects.order_by("policy_id")
        if options["policy"]:
            rows = rows.filter(policy_id__in=[Policy.objects.identified(key).key for key in options["policy"]])
        elif not options["archived"]:
            rows = rows.exclude(status=PolicyStatus.ARCHIVED)
        written = 0
        for policy in rows:
            path = directory / f"{policy.key}.yaml"
            if not _says_the_same(path, policy):
                path.write_text(files.write(policy.key, policy.values_of(*FIELDS)), encoding="utf-8")
                self.stdout.write(str(path))
                written += 1
        self.stdout.write(f"{written} of {len(rows)} policies written.")


def _says_the_same(path: Path, policy: Policy) -> bool:
    if not path.is_file():
        return False
    try:
        steps = importing.plan([files.read(path.read_bytes(), name=str(path))])
    except Misread:
        return False
    return [(step.file.key, step.word) for step in steps] == [(policy.key, "same")]
