"""`manage.py policy_lint FILES`: what is odd about policies that can all be read."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from policies import linting
from policies.linting import ERROR, WARNING, Linted, Remark
from policies.management.reading import add_sources, named_by
from policies.models import Policy

ODD = 1


class Command(RecordCommand):
    help = (
        "Look for policies that never match, whose tests fail, that are untested, over, shadowed by another or"
        " contradicted by it, and with --all for those that matched nothing in 30 days."
        " Exit code 0: no errors; 1: errors, or with --strict warnings; 2: it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_sources(parser)
        parser.add_argument("--strict", action="store_true", help="fail for warnings too")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        named = named_by(options, tried=False)
        remarks = linting.remarks([Linted(each.place, each.key, each.content, each.rule) for each in named], now)
        if options["all"]:
            remarks += [
                Remark(key, WARNING, "stale", "It matched nothing in the last 30 days.")
                for key in Policy.objects.stale(now).order_by("policy_id").values_list("policy_id", flat=True)
            ]
        for remark in remarks:
            self.stdout.write(str(remark))
        errors = sum(remark.level == ERROR for remark in remarks)
        self.stdout.write(f"{len(named)} policies: {errors} errors, {len(remarks) - errors} warnings.")
        if errors or (remarks and options["strict"]):
            raise CommandError("Not all is well with these policies.", returncode=ODD)
