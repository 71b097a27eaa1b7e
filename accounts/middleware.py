"""Sessions with their owner's address, and answers remembered for a repeated `Idempotency-Key`."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import auth
from accounts.models import RememberedAnswer, Session
from accounts.sessions import digest
from coordinator.lib import problems
from coordinator.lib.errors import Conflict, Invalid, Malformed, Refusal

Answer = Callable[[HttpRequest], HttpResponse]
KEY_SHAPE = re.compile(r"[\x21-\x7e]{1,255}\Z")
REMEMBERED_FOR = timedelta(hours=24)
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    retry_after_s = 1


class OtherBody(Invalid):
    """This Idempotency-Key was used for another request."""


class RolledBack(Exception):
    """Carries a failed answer out of the transaction, so that nothing of it stays."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class Sessions(SessionMiddleware):
    """Django's session middleware; a session that was written also says from where, and when it was seen."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        written = request.session.modified
        response = super().process_response(request, response)  # type: ignore[assignment]
        key = request.session.session_key
        if written and key:
            Session.objects.filter(session_key=digest(key)).update(
                ip=address_of(request), user_agent=request.headers.get("User-Agent", "")[:300]
            )
        return response


def address_of(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


class Idempotency:
    """The same POST with the same `Idempotency-Key` within 24 hours gets the first answer again.

    The answer is remembered in the transaction of the change: both are there, or neither. A fault of ours (5xx) is
    not remembered and leaves nothing behind.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or not problems.is_api(request):
            return self.get_response(request)
        credential = self._credential(request)
        if credential is None:
            return self.get_response(request)
        try:
            return self._once(request, credential, key)
        except RolledBack as failed:
            return failed.response
        except Refusal as refusal:
            return problems.refuse(refusal)

    def _credential(self, request: HttpRequest) -> auth.Credential | None:
        """Who asks; None leaves the refusal to the view."""
        secret = auth.bearer_of(request.headers.get("Authorization", ""))
        if secret is not None:
            found = auth.resolve(secret, timezone.now())
            request.credential = found  # type: ignore[attr-defined]
            return found
        user: Any = request.user
        return auth.of_browser(user) if user.is_authenticated else None

    def _once(self, request: HttpRequest, credential: auth.Credential, key: str) -> HttpResponse:
        if not KEY_SHAPE.match(key):
            raise Malformed("An Idempotency-Key is 1 to 255 visible ASCII characters.")
        asked = _request_digest(request)
        with transaction.atomic():
            if not _locked(credential.user.pk, key):
                raise StillRunning("Try again in a second to get its answer.")
            first = RememberedAnswer.objects.filter(owner=credential.user, key=key).first()
            if first is not None and first.created_at > timezone.now() - REMEMBERED_FOR:
                return _replay(first, asked)
            response = self.get_response(request)
            if response.status_code >= 500:
                raise RolledBack(response)
            if response.status_code not in {401, 403, 429}:
                _remember(credential, key, asked, response)
        return response


def _locked(owner: int, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7))", [f"{owner}\x1f{key}"])
        row = cursor.fetchone()
    return bool(row and row[0])


def _request_digest(request: HttpRequest) -> str:
    told = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(told).hexdigest()


def _replay(first: RememberedAnswer, asked: str) -> HttpResponse:
    if first.request_digest != asked:
        raise OtherBody({"Idempotency-Key": ["It was used for another request; use a new key for a new request."]})
    response = HttpResponse(bytes(first.body), status=first.status, headers=first.headers)
    response["Idempotent-Replayed"] = "true"
    return response


def _remember(credential: auth.Credential, key: str, asked: str, response: HttpResponse) -> None:
    kept = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    RememberedAnswer.objects.update_or_create(
        owner=credential.user,
        key=key,
        defaults={
            "request_digest": asked,
            "status": response.status_code,
            "headers": kept,
            "body": response.content,
            "created_at": timezone.now(),
        },
    )
