"""Sessions with their owner's address, and answers remembered for a repeated `Idempotency-Key`."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone

from accounts import auth
from accounts.models import RememberedAnswer, Session
from accounts.services import signing_in
from accounts.sessions import SessionStore, digest
from coordinator.lib import problems
from coordinator.lib.errors import Conflict, Invalid, Malformed, Refusal
from coordinator.lib.http import JSONRenderer

Answer = Callable[[HttpRequest], HttpResponse]
KEY_SHAPE = re.compile(r"[\x21-\x7e]{1,255}\Z")
REMEMBERED_FOR = timedelta(hours=24)
KEPT_HEADERS = ("Content-Type", "ETag", "Location")
NOT_REMEMBERED = {401, 403, 429}


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    retry_after_s = 1


class OtherRequest(Invalid):
    """This Idempotency-Key was used for another request."""


class RolledBack(Exception):
    """Carries a failed answer out of the transaction, so that nothing of it stays."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class Sessions(SessionMiddleware):
    """Django's session middleware, which also tells who signed in from where, and notes when a session was seen."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        store: Any = getattr(request, "session", None)
        if isinstance(store, SessionStore) and store.accessed and response.status_code < 500:
            _keep_track(request, store)
        return response


def _keep_track(request: HttpRequest, store: SessionStore) -> None:
    now, before, key = timezone.now(), store.row, store.session_key
    request_id = getattr(request, "request_id", None)
    if key is None or before is None or before.session_key != digest(key):
        if before is not None and before.user_id is not None:
            signing_in.close_session(before, now=now, request_id=request_id)
        if key is not None and store.user_id is not None:
            ip, agent = auth.address_of(request), request.headers.get("User-Agent", "")
            signing_in.describe_session(key, ip=ip, user_agent=agent, now=now, request_id=request_id)
    elif now - before.last_seen_at >= auth.SEEN_EVERY:
        Session.objects.filter(pk=before.pk, last_seen_at__lte=now - auth.SEEN_EVERY).update(last_seen_at=now)


class Idempotency:
    """The same POST with the same `Idempotency-Key` within 24 hours gets the first answer again.

    The answer is remembered in the transaction of the change: both are there, or neither. A fault of ours (5xx) is
    not remembered and leaves nothing behind. A key belongs to the account that used it; who no longer holds the scope
    gets no replay. A view whose answer holds a secret says with `response.replay` what a repetition answers instead.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or not problems.is_api(request):
            return self.get_response(request)
        if not KEY_SHAPE.match(key):
            return problems.refuse(Malformed("An Idempotency-Key is 1 to 255 visible ASCII characters."))
        credential = _credential(request)
        if credential is None or not _may(request, credential):
            return self.get_response(request)
        try:
            return self._once(request, credential, key)
        except RolledBack as failed:
            return failed.response
        except Refusal as refusal:
            return problems.refuse(refusal)
        except IntegrityError:
            return problems.refuse(Conflict("Another change got there first; nothing was changed."))

    def _once(self, request: HttpRequest, credential: auth.Credential, key: str) -> HttpResponse:
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
            if response.status_code not in NOT_REMEMBERED and not response.streaming:
                _remember(credential, key, asked, response)
        return response


def _credential(request: HttpRequest) -> auth.Credential | None:
    """Who asks; None leaves the refusal to the view."""
    secret = auth.bearer_of(request.headers.get("Authorization", ""))
    if secret is None:
        return auth.of_browser(request)
    found = auth.resolve(secret, timezone.now())
    request.credential = found  # type: ignore[attr-defined]
    return found


def _may(request: HttpRequest, credential: auth.Credential) -> bool:
    """Whether the credential holds the scope that the address demands; the view says why not."""
    try:
        called: Any = resolve(request.path_info).func
    except Resolver404:
        return False
    view, action = getattr(called, "cls", None), (getattr(called, "actions", None) or {}).get("post", "post")
    scope = getattr(view, "scopes", {}).get(action, getattr(view, "scope", None))
    return scope is None or scope == "" or scope in credential.scopes


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
        raise OtherRequest({"Idempotency-Key": ["It was used for another request; use a new key for a new request."]})
    response = HttpResponse(bytes(first.body), status=first.status, headers=first.headers)
    response["Idempotent-Replayed"] = "true"
    return response


def _remember(credential: auth.Credential, key: str, asked: str, response: HttpResponse) -> None:
    kept = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    instead = getattr(response, "replay", None)
    RememberedAnswer.objects.update_or_create(
        owner=credential.user,
        key=key,
        defaults={
            "request_digest": asked,
            "status": response.status_code,
            "headers": kept,
            "body": response.content if instead is None else JSONRenderer().render(instead),
            "created_at": timezone.now(),
        },
    )
