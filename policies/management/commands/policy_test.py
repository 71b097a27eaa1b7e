"""`manage.py policy_test FILES`: runs the tests that stand with the policies."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coordinator.lib.commands import RecordCommand
from policies import trials
from policies.management.reading import Named, add_sources, named_by

FAILED = 1


class Command(RecordCommand):
    help = (
        "Run the tests of policies, from files or from the database."
        " Exit code 0: all pass; 1: one fails, or a file is wrong; 2: it could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_sources(parser)
        parser.add_argument("--required", action="store_true", help="fail also for a policy that is untested")

    def handle(self, *args: Any, **options: Any) -> None:
        named = named_by(options, tried=False)
        failed = sum(self._run(each) for each in named)
        untested = [each for each in named if not trials.suffice(each.content["tests"])]
        for each in untested:
            self.stdout.write(f"{each.place}: untested, it needs a test that matches and one that does not.")
        count = sum(len(each.content["tests"]) for each in named)
        self.stdout.write(f"{count} tests of {len(named)} policies: {failed} fail; {len(untested)} untested.")
        if failed or (untested and options["required"]):
            raise CommandError("Not all is as the tests say.", returncode=FAILED)

    def _run(self, each: Named) -> int:
        failures = trials.failures(each.rule, each.content["tests"])
        for text in failures:
            self.stdout.write(f"{each.place}: tests{text}")
        return len(failures)
