"""`manage.py policy_backtest POLICY`: what a policy would have decided on the recorded past. Writes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import UNDONE, RecordCommand
from policies import backtest, bundles, files
from policies.backtest import Report
from policies.engine import Rule
from policies.files import Misread
from policies.models import FIELDS, Decision, Policy
from policies.services import revising

SAMPLES = 20


class Command(RecordCommand):
    help = "Try a policy, stored or from a file, on the decisions of the last days: what would differ, and for whom."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("policy", help="a file, or the key or id of a stored policy")
        parser.add_argument("--days", type=int, default=30, help="how far back (30)")
        parser.add_argument("--limit", type=int, default=1_000_000, help="at most so many decisions, the latest")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1 or options["limit"] < 1:
            raise CommandError("--days and --limit are at least 1.", returncode=UNDONE)
        rule = _rule(options["policy"])
        past = Decision.objects.filter(at__gte=timezone.now() - timedelta(days=options["days"]))
        self._tell(backtest.run(rule, past, limit=options["limit"]))

    def _tell(self, report: Report) -> None:
        judged = report.considered - report.unjudged.total()
        self.stdout.write(f"{report.considered} decisions{'' if report.complete else ' (there are older ones)'}:")
        self.stdout.write(f"  {report.matched} match, {report.stricter} would be stricter, {report.looser} looser")
        for reason, count in report.unjudged.most_common():
            self.stdout.write(f"  {count} could not be judged: {reason}")
        for noun, counts in report.by.items():
            for key, count in counts.most_common(SAMPLES):
                self.stdout.write(f"  {noun} {key or '(none)'}: {count} would differ")
        for each in report.changes[:SAMPLES]:
            about = f"{each['action_type']} of {each['agent'] or 'nobody known'}"
            self.stdout.write(f"  decision {each['decision']}: {about}: {each['was']} would be {each['outcome']}")
        if report.considered and not judged:
            self.stdout.write("Nothing could be judged, so this says nothing about what would differ.")


def _rule(named: str) -> Rule:
    if (path := Path(named)).is_file():
        try:
            file = files.read(path.read_bytes(), name=named)
        except Misread as wrong:
            raise CommandError(str(wrong), returncode=1) from wrong
        stored = Policy.objects.keyed(file.key).first()
        return bundles.rule_of(
            revising.drafted(file.fields), policy=stored.pk if stored else 0, key=file.key, revision=0
        )
    policy = Policy.objects.identified(named)
    return bundles.rule_of(policy.values_of(*FIELDS), policy=policy.pk, key=policy.key, revision=policy.version)
