"""`manage.py trace_roles`: the rights of the role that runs the product, apart from the role that owns its tables."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from coordinator.lib.commands import RecordCommand
from traceability import rights


class Command(RecordCommand):
    help = "Print, or apply as the owner, the GRANTs that let the product run as a role that owns nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runtime", required=True, metavar="ROLE", help="the role of the running product")
        parser.add_argument("--apply", action="store_true", help="run the statements instead of printing them")

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["runtime"]
        try:
            standing = rights.standing_of(role)
        except rights.NoSuchRole as missing:
            raise CommandError(str(missing)) from missing
        if not standing.is_split:
            raise CommandError(f"{role} owns the ledger, or may become {standing.owner}, who does: name another role.")
        statements = rights.statements(role)
        if options["apply"]:
            self.apply(statements, standing.owner)
            self.stdout.write(f"{role} has what the product needs, and nothing more was granted.")
        else:
            self.stdout.write("\n".join(["BEGIN;", *(f"{line};" for line in statements), "COMMIT;"]))
        for phrase in rights.excess(role) if options["apply"] else ():
            self.stderr.write(f"{role} still {phrase}: take that away too.")

    def apply(self, statements: list[str], owner: str) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for line in statements:
                    cursor.execute(line)
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError as problem:
            said = str(problem).strip().splitlines()[0]
            raise CommandError(f"Not applied ({said}): run this as {owner}, who owns the tables.") from problem
