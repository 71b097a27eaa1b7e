"""`manage.py create_api_token EMAIL --name NAME [--scopes a,b] [--days N] [--json]`: a token, printed once."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.services import issuing_tokens
from coordinator.lib.errors import Refusal
from traceability.events import SYSTEM

LONGEST_DAYS = 36500


class Command(BaseCommand):
    help = "Issues an API token for an account and prints it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="made by create_api_token")
        parser.add_argument("--scopes", default="", help="separated by commas; left out: all that the role holds")
        parser.add_argument("--days", type=int, default=0, help="days until it expires; 0: never")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["days"] <= LONGEST_DAYS:
            raise CommandError(f"--days takes 0 (never expires) to {LONGEST_DAYS} days.")
        now = timezone.now()
        try:
            user = User.objects.identified(options["email"])
            wanted = [scope for scope in options["scopes"].split(",") if scope] or user.scopes
            expires_at = now + timedelta(days=options["days"]) if options["days"] else None
            token, secret = issuing_tokens.issue(
                user, name=options["name"], scopes=wanted, actor=SYSTEM, now=now, expires_at=expires_at
            )
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        if options["json"]:
            told = {
                "id": token.pk,
                "account": user.email,
                "token": secret,
                "prefix": token.prefix,
                "scopes": token.scopes,
                "expires_at": token.expires_at and token.expires_at.isoformat(),
            }
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(secret)
