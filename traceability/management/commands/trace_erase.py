"""`manage.py trace_erase`: takes a text out of history lawfully, and its copies out of everything else."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from coordinator.lib.commands import UNDONE, RecordCommand
from traceability import archiving
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.services import erasing
from traceability.services.erasing import Erasure, Order

HISTORY = Entry._meta.db_table


class Command(RecordCommand):
    help = "Erase texts of an entry, or find a text that leaked and erase it everywhere. The erasure stays on record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("entry", nargs="?", type=int, help="the entry's id")
        parser.add_argument("--path", action="append", default=[], help="what to erase of it, such as outputs.summary")
        parser.add_argument("--find", metavar="TEXT", help="list the entries, paths and rows that hold this text")
        parser.add_argument("--all", action="store_true", help="with --find: erase each of them, and every copy")
        parser.add_argument("--reason", default="", help="why; it stays on record")

    def handle(self, *args: Any, **options: Any) -> None:
        text, entry = options["find"], options["entry"]
        if (text is None) == (entry is None):
            raise CommandError("Name an entry and its paths, or a text with --find.")
        if text is None:
            self.of_entry(entry, options)
        elif not text.strip():
            raise CommandError("Name the text to find: an empty one stands everywhere.", returncode=UNDONE)
        elif options["all"]:
            self.erase_all(text, options)
        else:
            self.list_all(text)

    def of_entry(self, entry_id: int, options: Any) -> None:
        entry = Entry.objects.filter(pk=entry_id).first() or archiving.find(entry_id)
        if entry is None:
            raise CommandError(f"There is no entry {entry_id} here.")
        self.tell(erasing.eraser().erase(entry, options["path"], _order(options)))

    def erase_all(self, text: str, options: Any) -> None:
        erased = erasing.eraser().erase_text(text, _order(options))
        self.tell(erased)
        if not erased.entries and not erased.copies:
            self.stdout.write("No entry and no row held it.")
        if left := erasing.eraser().standing(text):
            raise CommandError(f"What is listed is erased for good; the text still stands in {_counted(left)}.")

    def list_all(self, text: str) -> None:
        """What `--all` would change: texts of history, and rows of every table."""
        held, fixed = erasing.holding(text), erasing.fixed_in(text)
        rows = {name: count for name, count in erasing.eraser().standing(text).items() if name != HISTORY}
        for entry, paths in held:
            self.stdout.write(f"{entry.pk} {entry.kind} {entry.stream}#{entry.seq}: {', '.join(paths)}")
        for entry_id in fixed:
            self.stdout.write(f"{entry_id}: in the chained text, which cannot be erased")
        if rows:
            self.stdout.write(f"Rows that hold it, which --all changes too: {_counted(rows)}.")
        if not (held or fixed or rows):
            self.stdout.write("Nothing holds this text.")

    def tell(self, erased: Erasure) -> None:
        for entry_id, paths in erased.entries.items():
            self.stdout.write(f"entry {entry_id}: {', '.join(paths)} erased")
        for table, count in sorted(erased.copies.items()):
            self.stdout.write(f"{table}: {count} rows")


def _counted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{table} ({count})" for table, count in rows.items())


def _order(options: Any) -> Order:
    return Order(reason=options["reason"], actor=SYSTEM, now=timezone.now())
