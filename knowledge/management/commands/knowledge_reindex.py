from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from knowledge.embedding.base import EmbedderUnavailable
from knowledge.services import rebuilding
from traceability.events import SYSTEM


class Command(BaseCommand):
    help = (
        "Embeds every document with the embedder of the settings and lets searches use its vectors when all are there. "
        "Until then the vectors of before serve. Safe to stop and to run again: it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="also embed what this embedder has embedded before")

    def handle(self, *args: Any, again: bool = False, **options: Any) -> None:
        try:
            told = rebuilding.rebuild(again=again, actor=SYSTEM, now=timezone.now(), tell=self.stdout.write)
        except EmbedderUnavailable as away:
            raise CommandError(f"{away} Searches go on as before.") from away
        self.stdout.write(self.style.SUCCESS(told))
