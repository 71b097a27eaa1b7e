"""`manage.py demo`: a day of six agents and two people, played over the public API in about a minute."""

import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from coordinator.demo import playing
from coordinator.demo.playing import CannotPlay

INTERRUPTED = 130


class Command(BaseCommand):
    help = "Plays a day of six agents and two people on three missions against a running server, over its public API."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", type=_address, default=f"http://127.0.0.1:{settings.PORT}", help="the server's address"
        )
        parser.add_argument("--token", default="", help="an admin's token; left out: admin.token in COORDINATOR_DATA")
        parser.add_argument("--minutes", type=_minutes, default=1.0, help="about how long the day lasts (1)")
        parser.add_argument("--fast", action="store_true", help="as fast as the server answers")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell that put us into the background may ignore the first
            signal.signal(number, signal.default_int_handler)
        token = options["token"].strip() or kept_token(Path(settings.COORDINATOR_DATA))
        minutes = 0.0 if options["fast"] else options["minutes"]
        try:
            good = playing.play(options["url"], token, minutes=minutes, write=self.tell)
        except CannotPlay as problem:
            raise CommandError(str(problem)) from problem
        except KeyboardInterrupt:
            self.tell("\nStopped: what was held is given back, and the tokens of the day are revoked.")
            sys.exit(INTERRUPTED)
        if not good:
            raise CommandError("The records are not in order: see above.")

    def tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def kept_token(data: Path) -> str:
    """The first admin's token, as `manage.py up` keeps it. Raises CommandError."""
    kept = data / "admin.token"
    if not (kept.is_file() and os.access(kept, os.R_OK)):
        raise CommandError(f"There is no token in {kept}: give an admin's with --token, or set COORDINATOR_DATA.")
    return kept.read_text().strip()


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _minutes(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 60:
        raise ArgumentTypeError(f"{text!r} is no number of minutes from 0 to 60")
    return found
