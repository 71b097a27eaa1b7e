"""Who is calling: bearer tokens, session tokens and browser sessions, for API, pages and WebSocket alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import recognising, roles, sessions
from accounts.models import ApiToken, Session, User
from accounts.recognising import Held
from accounts.services import signing_in
from coordinator.lib.errors import TooMany
from traceability.events import Actor

TOKEN_PREFIX = "coord_"
SEEN_EVERY = timedelta(minutes=1)
LONGEST = 200


@dataclass(frozen=True)
class Credential:
    """What a caller showed, and what it lets them do. Of an API token `prefix` is the readable part."""

    user: User
    scopes: frozenset[str]
    token_id: int | None = None
    session_id: int | None = None
    prefix: str = ""
    expires_at: datetime | None = None

    @property
    def manages_keys(self) -> bool:
        """Whether it may issue, list and revoke tokens and sessions: a sign-in may, and an admin's token."""
        return self.token_id is None or "accounts:admin" in self.scopes

    def actor_for(self, request: Any) -> Actor:
        """The ledger's actor for this request."""
        return actor_for(self.user, getattr(request, "request_id", None))

    def renewed(self) -> "Credential | None":
        """The same credential as it stands now; None when it was revoked or has expired."""
        now = timezone.now()
        if self.token_id is not None:
            token = recognising.token_by_id(self.token_id, now)
            return None if token is None else _of_token(token)
        session = recognising.session_by_id(self.session_id or 0, now)
        return None if session is None else _of_session(session)


def resolve(secret: str, now: datetime) -> Credential | None:
    """The credential of an API token (`coord_...`) or a session's key (`cos_...`); None when it is not valid.

    One indexed query, and at most once a minute a second one that notes the use.
    """
    if len(secret) > LONGEST or not secret.isascii():
        return None
    if secret.startswith(TOKEN_PREFIX):
        token = recognising.token_by_digest(sessions.digest(secret), now)
        return None if token is None else _used(token, now)
    if secret.startswith(sessions.PREFIX):
        session = recognising.session_by_digest(sessions.digest(secret), now)
        return None if session is None else _seen(session, now)
    return None


def bearer_of(header: str) -> str | None:
    """The token of an `Authorization: Bearer` header; None when the header is of another kind."""
    kind, _, secret = header.strip().partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def of_browser(request: HttpRequest) -> Credential | None:
    """The credential of somebody signed in to the pages, for a request that the session middleware has seen."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    row = getattr(request.session, "row", None)
    return Credential(user, user.scopes, session_id=row.pk if row else None)


def actor_of(request: Any) -> Actor:
    """The ledger's actor of a request, whichever face it came by."""
    return actor_for(cast(User, request.user), getattr(request, "request_id", None))


def actor_for(user: User, request_id: str | None = None) -> Actor:
    """The ledger's actor for an account: a person, or an agent for a service account."""
    kind = "agent" if user.kind == User.Kind.SERVICE else "person"
    return Actor(kind, user.pk, user.email, request_id=request_id)  # type: ignore[arg-type]


def _used(held: Held, now: datetime) -> Credential:
    if held.used_at is None or now - held.used_at >= SEEN_EVERY:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - SEEN_EVERY)
        ApiToken.objects.filter(stale, pk=held.id).update(last_used_at=now)
    return _of_token(held)


def _seen(held: Held, now: datetime) -> Credential:
    if held.used_at is None or now - held.used_at >= SEEN_EVERY:
        Session.objects.filter(pk=held.id, last_seen_at__lte=now - SEEN_EVERY).update(last_seen_at=now)
    return _of_session(held)


def _of_token(held: Held) -> Credential:
    scopes = held.user.scopes & (held.scopes or frozenset())
    return Credential(held.user, scopes, token_id=held.id, prefix=held.prefix, expires_at=held.expires_at)


def _of_session(held: Held) -> Credential:
    return Credential(held.user, held.user.scopes, session_id=held.id)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`. A token that is not valid is 401; no such header leaves it to the session."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        raw: Any = request._request
        secret = bearer_of(request.headers.get("Authorization", ""))
        if secret is None:
            return None
        found: Credential | None = getattr(raw, "credential", None) or resolve(secret, timezone.now())
        if found is None:
            raise AuthenticationFailed("This token is not valid: unknown, expired or revoked.")
        raw.user = found.user
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserSession(SessionAuthentication):
    """The session of somebody signed in to the pages; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        found = of_browser(request._request)
        if found is None:
            return None
        self.enforce_csrf(request)
        return found.user, found


class EmailBackend(BaseBackend):
    """Signs in by e-mail and bcrypt password; permissions come from the role's table, with no query for each."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """None for a wrong password. Raises ValidationError (shown at the form) after too many of them."""
        email = username or kwargs.get("email")
        if not email or password is None:
            return None
        ip = address_of(request) if request is not None else None
        try:
            return signing_in.check_password(email, password, ip=ip, now=timezone.now())
        except signing_in.WrongPassword:
            return None
        except TooMany as limit:
            raise ValidationError(limit.detail, code="throttled") from limit

    def get_user(self, user_id: int) -> User | None:
        found: User | None = User.objects.active().knowing_role().filter(pk=user_id).first()
        return found

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.is_active) and roles.permits(getattr(user_obj, "role", None), perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(user_obj.is_active) and roles.permits_app(getattr(user_obj, "role", None), app_label)


def address_of(request: HttpRequest) -> str | None:
    """The network address that the request came from; None when it came through a local socket.

    Behind a proxy it is the last that the proxy noted: what stands before it, the client wrote itself.
    """
    noted = request.headers.get("X-Forwarded-For", "").rpartition(",")[2] if settings.BEHIND_PROXY else ""
    return _address(noted) or _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
