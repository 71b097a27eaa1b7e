"""`manage.py create_admin EMAIL [--password-stdin]`: an admin account; a password is made when none is given."""

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import managing_people
from coordinator.lib.errors import Refusal
from traceability.events import SYSTEM


class Command(BaseCommand):
    help = "Creates an admin account and prints its password when one was made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", default="")
        parser.add_argument("--email", dest="email_option", default="", help="the same as an option")
        parser.add_argument("--name", default="")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"] or options["email_option"]
        if not email:
            raise CommandError("Name the admin: create_admin EMAIL.")
        given = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        password = secrets.token_urlsafe(15) if given is None else given
        try:
            user = managing_people.create_account(
                email=email,
                name=options["name"],
                role="admin",
                password=password,
                actor=SYSTEM,
                now=timezone.now(),
            )
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        self.stdout.write(f"Admin {user.email} is ready.")
        if given is None:
            self.stdout.write(f"Password (shown this once): {password}")
