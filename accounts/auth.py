"""Who is calling: bearer tokens, session tokens and browser sessions, for API, pages and WebSocket alike."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import sessions
from accounts.models import ApiToken, Session, User
from traceability.events import Actor

TOKEN_PREFIX = "coord_"
SEEN_EVERY = timedelta(minutes=1)
SESSION_USER = "_auth_user_id"


@dataclass(frozen=True)
class Credential:
    """What a caller showed, and what it lets them do."""

    user: User
    scopes: frozenset[str]
    token_id: int | None = None
    session_id: int | None = None

    def actor_for(self, request: Any) -> Actor:
        """The ledger's actor for this request."""
        return _actor(self.user, getattr(request, "request_id", None))

    def renewed(self) -> "Credential | None":
        """The same credential as it stands now; None when it was revoked or has expired."""
        now = timezone.now()
        if self.token_id is not None:
            row = _tokens().live(now).filter(pk=self.token_id).first()
            return row and _of_token(row)
        row = Session.objects.live(now).select_related("user").filter(pk=self.session_id).first()
        return _of_session(row) if row else None


def digest(secret: str) -> str:
    """SHA-256 of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def resolve(secret: str, now: datetime) -> Credential | None:
    """The credential of a bearer token (`coord_...`) or session token (`cos_...`); None when it is not valid."""
    if secret.startswith(TOKEN_PREFIX):
        token = _tokens().live(now).filter(digest=digest(secret)).first()
        return _seen_token(token, now) if token else None
    if secret.startswith(sessions.PREFIX):
        return of_session_key(secret, now)
    return None


def of_session_key(key: str, now: datetime) -> Credential | None:
    found = Session.objects.live(now).select_related("user").prefetch_related("user__groups")
    row = found.filter(session_key=sessions.digest(key)).first()
    if row is None or row.user is None:
        return None
    if now - row.last_seen_at > SEEN_EVERY:
        Session.objects.filter(pk=row.pk).update(last_seen_at=now)
    return _of_session(row)


def bearer_of(header: str) -> str | None:
    """The token of an `Authorization: Bearer` header; None when the header is of another kind."""
    kind, _, secret = header.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def actor_of(request: Any) -> Actor:
    """The ledger's actor of a request, whichever face it came by."""
    return _actor(cast(User, request.user), getattr(request, "request_id", None))


def _actor(user: User, request_id: str | None) -> Actor:
    kind = "agent" if user.kind == User.Kind.SERVICE else "person"
    return Actor(kind, user.pk, user.email, request_id=request_id)  # type: ignore[arg-type]


def _tokens() -> Any:
    return ApiToken.objects.filter(user__is_active=True).select_related("user").prefetch_related("user__groups")


def _seen_token(token: ApiToken, now: datetime) -> Credential:
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return _of_token(token)


def _of_token(token: ApiToken) -> Credential:
    return Credential(token.user, frozenset(token.scopes) & token.user.scopes, token_id=token.pk)


def _of_session(row: Session) -> Credential | None:
    if row.user is None or not row.user.is_active:
        return None
    return Credential(row.user, row.user.scopes, session_id=row.pk)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`. A token that is not valid is 401; no such header leaves it to the session."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        raw = cast(HttpRequest, request._request)
        known: Credential | None = getattr(raw, "credential", None)
        if known is not None:
            return known.user, known
        secret = bearer_of(request.headers.get("Authorization", ""))
        if secret is None:
            return None
        found = resolve(secret, timezone.now())
        if found is None:
            raise AuthenticationFailed("This token is not valid: unknown, expired or revoked.")
        raw.user = found.user
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserSession(SessionAuthentication):
    """The session of somebody signed in to the pages; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_authenticated or not user.is_active:
            return None
        self.enforce_csrf(request)
        return user, of_browser(user)


def of_browser(user: User) -> Credential:
    return Credential(user, user.scopes)


def narrowed(credential: Credential, scopes: frozenset[str]) -> Credential:
    return replace(credential, scopes=credential.scopes & scopes)


class EmailBackend(ModelBackend):
    """Signs in by e-mail and bcrypt password; permissions come from the role's table."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        email = username or kwargs.get("email")
        if not email or password is None:
            return None
        user = User.objects.filter(email__iexact=email, kind=User.Kind.PERSON).first()
        if user is None:
            make_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.prefetch_related("groups").filter(pk=user_id, is_active=True).first()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.has_perm(perm, obj))
