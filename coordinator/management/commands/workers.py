"""`manage.py workers`: everything that runs in the background, until Ctrl-C or SIGTERM."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from coordinator import schedules
from missions.supervision.crew import Crew


class Command(BaseCommand):
    help = "Runs the background workers: mission processes, short jobs and executions. Ctrl-C or SIGTERM ends them."

    def handle(self, *args: Any, **options: Any) -> None:
        Crew(prepare=lambda: schedules.ensure(timezone.now())).run()
