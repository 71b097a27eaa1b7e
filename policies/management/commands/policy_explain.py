"""`manage.py policy_explain DECISION`: why a decision came out as it did."""

from typing import Any

from django.core.management.base import CommandParser

from coordinator.lib.commands import RecordCommand
from coordinator.lib.models import numbered
from policies import explaining
from policies.models import Decision, PolicyRevision


class Command(RecordCommand):
    help = "Explain a decision: each test, what it expected and what was there, which revision, and why this outcome."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("decision", help="the decision's number")

    def handle(self, *args: Any, **options: Any) -> None:
        decision = numbered(Decision.objects.all(), options["decision"])
        keys = {each["policy_id"] for each in decision.matched}
        kept = PolicyRevision.objects.filter(policy__policy_id__in=keys).select_related("policy")
        revisions = {
            (each.policy.key, each.n): f"by {each.author}, {each.created_at:%Y-%m-%d %H:%M} UTC" for each in kept
        }
        for line in explaining.lines(decision, revisions):
            self.stdout.write(line)
