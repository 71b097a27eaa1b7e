"""`manage.py doctor [--json]`: what is wrong with this installation and how to mend it."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from coordinator.launching import examination
from coordinator.launching.findings import Finding

MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


class Command(BaseCommand):
    help = "Examines this installation and says how to mend what is wrong; exits with 1 when something is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the findings as a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examination.examine(timezone.now()))
        wrong = sum(each.level == "wrong" for each in findings)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in findings], indent=2))
        else:
            self.report(findings, wrong)
        if wrong:
            sys.exit(1)

    def report(self, findings: list[Finding], wrong: int) -> None:
        for each in findings:
            advice = f" {each.mend}" if each.mend else ""
            self.stdout.write(f"{MARKS[each.level]}  {each.about:<11} {each.text}{advice}")
        self.stdout.write("Nothing is wrong." if not wrong else f"{wrong} to mend.")
