"""`manage.py database_url`: the address of this installation's database, for psql and pg_dump."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from coordinator import embedded


class Command(BaseCommand):
    help = "Prints the address of the database: DATABASE_URL, or the bundled server's."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(settings.DATABASE_URL or embedded.url(Path(settings.COORDINATOR_DATA)))
