"""Sessions with their owner's address, and answers remembered for a repeated `Idempotency-Key`."""

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone

from accounts import auth
from accounts.models import RememberedAnswer, Session
from accounts.services import remembering, signing_in
from accounts.services.remembering import Asking
from accounts.sessions import SessionStore, digest
from coordinator.lib import problems
from coordinator.lib.errors import Conflict, Malformed, Refusal, Unavailable
from coordinator.lib.http import JSONRenderer

Answer = Callable[[HttpRequest], HttpResponse]
KEY_SHAPE = re.compile(r"[\x21-\x7e]{1,255}\Z")
KEPT_HEADERS = ("Content-Type", "ETag", "Location")
NOT_REMEMBERED = {401, 403, 429}
log = logging.getLogger(__name__)


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

    The answer is remembered in the transaction of the change: both are there, or neither. Only around what a view
    declares as `outward`, since it waits for other machines, there is no transaction: its key is reserved before, and
    the answer kept after it. A fault of ours (5xx) is not remembered, and a transaction leaves nothing of it behind.
    A key belongs to the account that used it; who no longer holds the scope gets no replay. A view whose answer holds
    a secret says with `response.replay` what a repetition answers instead.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or not problems.is_api(request):
            return self.get_response(request)
        if not KEY_SHAPE.match(key):
            return problems.refuse(Malformed("An Idempotency-Key is 1 to 255 visible ASCII characters."))
        try:
            return self._answer(request, key)
        except RolledBack as failed:
            return failed.response
        except Refusal as refusal:
            return problems.refuse(refusal)
        except IntegrityError:
            return problems.refuse(Conflict("Another change got there first; nothing was changed."))
        except (OperationalError, InterfaceError):
            return problems.refuse(Unavailable("The database does not answer. Try again with the same key."))

    def _answer(self, request: HttpRequest, key: str) -> HttpResponse:
        credential, (view, action) = _credential(request), _called(request)
        if credential is None or not _may(view, action, credential):
            return self.get_response(request)
        asking = Asking(owner=credential.user, key=key, digest=_request_digest(request))
        outward = action in getattr(view, "outward", ())
        return self._reserved(request, asking) if outward else self._once(request, asking)

    def _reserved(self, request: HttpRequest, asking: Asking) -> HttpResponse:
        if first := remembering.reserve(asking, now=timezone.now()):
            return _replay(first)
        response = self.get_response(request)
        try:
            if _is_kept(response):
                _remember(asking, response)
            else:
                remembering.release(asking)
        except (OperationalError, InterfaceError) as lost:
            log.warning("The answer to a repeated request was not kept: %s", lost)
        return response

    def _once(self, request: HttpRequest, asking: Asking) -> HttpResponse:
        with transaction.atomic():
            if first := remembering.recall(asking, now=timezone.now()):
                return _replay(first)
            response = self.get_response(request)
            if response.status_code >= 500:
                raise RolledBack(response)
            if _is_kept(response):
                _remember(asking, response)
        return response


def _is_kept(response: HttpResponse) -> bool:
    return response.status_code < 500 and response.status_code not in NOT_REMEMBERED and not response.streaming


def _credential(request: HttpRequest) -> auth.Credential | None:
    """Who asks; None leaves the refusal to the view."""
    secret = auth.bearer_of(request.headers.get("Authorization", ""))
    if secret is None:
        return auth.of_browser(request)
    found = auth.resolve(secret, timezone.now())
    request.credential = found  # type: ignore[attr-defined]
    return found


def _called(request: HttpRequest) -> tuple[Any, str]:
    """The view class that answers this POST (None when there is none) and its action."""
    try:
        called: Any = resolve(request.path_info).func
    except Resolver404:
        return None, ""
    return getattr(called, "cls", None), (getattr(called, "actions", None) or {}).get("post", "post")


def _may(view: Any, action: str, credential: auth.Credential) -> bool:
    """Whether the credential holds the scope that the view demands; the view says why not."""
    if view is None:
        return False
    scope = getattr(view, "scopes", {}).get(action, getattr(view, "scope", None))
    return scope is None or scope == "" or scope in credential.scopes


def _request_digest(request: HttpRequest) -> str:
    told = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(told).hexdigest()


def _replay(first: RememberedAnswer) -> HttpResponse:
    response = HttpResponse(bytes(first.body), status=first.status, headers=first.headers)
    response["Idempotent-Replayed"] = "true"
    return response


def _remember(asking: Asking, response: HttpResponse) -> None:
    kept = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    instead = getattr(response, "replay", None)
    body = response.content if instead is None else JSONRenderer().render(instead)
    remembering.remember(asking, status=response.status_code, headers=kept, body=body, now=timezone.now())
