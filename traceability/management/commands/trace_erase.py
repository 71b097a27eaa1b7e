"""`manage.py trace_erase`: takes a text out of history lawfully, and its copies out of everything else."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.errors import Refusal
from traceability import archiving
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.services import erasing
from traceability.services.erasing import Erasure, Order


class Command(BaseCommand):
    help = "Erase texts of an entry, or find a text that leaked and erase it everywhere. The erasure stays on record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("entry", nargs="?", type=int, help="the entry's id")
        parser.add_argument("--path", action="append", default=[], help="what to erase of it, such as outputs.summary")
        parser.add_argument("--find", metavar="TEXT", help="list the entries and paths that hold this text")
        parser.add_argument("--all", action="store_true", help="with --find: erase each of them, and every copy")
        parser.add_argument("--reason", default="", help="why; it stays on record")

    def handle(self, *args: Any, **options: Any) -> None:
        text, entry = options["find"], options["entry"]
        if (text is None) == (entry is None):
            raise CommandError("Name an entry and its paths, or a text with --find.")
        try:
            if text is not None:
                self.by_text(text, options)
            else:
                self.of_entry(entry, options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal

    def of_entry(self, entry_id: int, options: Any) -> None:
        entry = Entry.objects.filter(pk=entry_id).first() or archiving.find(entry_id)
        if entry is None:
            raise CommandError(f"There is no entry {entry_id} here.")
        self.tell(erasing.eraser().erase(entry, options["path"], _order(options)))

    def by_text(self, text: str, options: Any) -> None:
        if options["all"]:
            self.tell(erasing.eraser().erase_text(text, _order(options)))
            if left := erasing.eraser().left(text):
                raise CommandError(f"It still stands in {', '.join(left)}.")
            return
        for entry, paths in erasing.holding(text):
            self.stdout.write(f"{entry.pk} {entry.kind} {entry.stream}#{entry.seq}: {', '.join(paths)}")
        for entry_id in erasing.fixed_in(text):
            self.stdout.write(f"{entry_id}: in the chained text, which cannot be erased")

    def tell(self, erased: Erasure) -> None:
        for entry_id, paths in erased.entries.items():
            self.stdout.write(f"entry {entry_id}: {', '.join(paths)} erased")
        for table, count in sorted(erased.copies.items()):
            self.stdout.write(f"{table}: {count} rows")


def _order(options: Any) -> Order:
    return Order(reason=options["reason"], actor=SYSTEM, now=timezone.now())
